"""Pure: what may be bought, how much of it, when everything must stop, and how that reads in a mail."""
