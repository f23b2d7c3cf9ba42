"""Cash that moves without a trade: what the owner moves, and regulatory fees."""
