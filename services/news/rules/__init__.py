"""Pure rules: what a text says about a company, which items are one story, what a symbol's news amounts to."""
