"""In: nothing yet: no page is drawn.
Out: health, metrics, and the plain statement of what is missing.
Owns: no table; it only reads.
"""
