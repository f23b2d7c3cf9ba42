"""What risk does: decide, watch the day, stop everything, tell people, take over limits."""
