"""The rules of the house about switches and shape, and what still breaks them, by name."""
