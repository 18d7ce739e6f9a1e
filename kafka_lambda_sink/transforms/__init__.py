"""What happens to a record between its converters and the payload: transforms, predicates, filters. Pure."""
