"""What a running service wears: the database within bounds, the journal followed, health by age."""
