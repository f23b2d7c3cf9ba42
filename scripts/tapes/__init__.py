"""Tapes for the simulated exchange: invent a market day, or record one with the operator's own keys."""
