"""In: nothing yet: no report is computed.
Out: health, metrics, and the plain statement of what is missing.
Owns: no table; it only reads.
"""
