"""A cycle opened and ended, a scan down the funnel, a proposal decided, and the watch that does each in its time."""
