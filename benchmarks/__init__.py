"""What is fast and what is not: each file prints ratios from one run."""
