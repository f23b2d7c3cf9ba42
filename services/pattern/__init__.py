"""In: symbols and a moment.
Out: for each symbol the chart patterns seen on 5-minute and daily bars, levels, and one score.
Owns: pattern_analysis.
"""
