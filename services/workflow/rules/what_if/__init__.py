"""Stored scans under other values: sent down the funnel again, and compared with what they did."""
