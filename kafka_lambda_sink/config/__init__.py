"""The one declaration of every property, and the ways in which its values arrive."""
