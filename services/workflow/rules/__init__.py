"""The rules of workflow: cuts, scores, moments, limits and words. Nothing here has an effect."""
