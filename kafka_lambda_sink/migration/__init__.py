"""Configurations of other connectors and triggers, turned into ours. Pure, but for the parsers of YAML and HCL."""
