"""What trading decides, without asking anybody."""
