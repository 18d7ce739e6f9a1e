"""Request formats: what a batch is to the function. Pure."""
