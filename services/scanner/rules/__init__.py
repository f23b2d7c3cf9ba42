"""Pure: which securities are looked at, what drops one, and how the others are ranked."""
