"""What trading does, in order: send, settle, attend, reconcile, and the loop that keeps watch."""
