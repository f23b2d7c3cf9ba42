"""Pure rules: clean bars, indicators, levels, and the score made of them."""
