"""In: symbols and a moment; the market's 5-minute and daily bars up to it.
Out: indicators of both timeframes, support and resistance, a technical score with its parts, or a reasoned refusal.
Owns: technical_indicators.
"""
