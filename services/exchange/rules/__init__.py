"""Pure rules of the simulated exchange: the tape, the clock, the order book."""
