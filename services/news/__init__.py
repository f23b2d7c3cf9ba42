"""In: symbols and a moment; headlines of the sources up to it.
Out: evidence for each symbol: sentiment about that company, dominating catalyst, score, reason; readings of any text.
Owns: news_items, news_sentiment.
"""
