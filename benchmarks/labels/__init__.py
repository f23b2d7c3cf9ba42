"""Headlines of the recorded tapes labelled by hand: which were drawn (draw.py) and what they say (catalysts.csv)."""
