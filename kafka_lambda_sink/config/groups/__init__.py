"""The declaration of every property, one module for each group. An attribute's docstring is its documentation."""
