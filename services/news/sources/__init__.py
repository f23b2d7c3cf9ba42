"""Where headlines and readings come from: one file for each vendor, named at the composition root only."""
