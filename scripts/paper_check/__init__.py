"""What a broker really answers, asked with the smallest orders on a paper account and held against what we rely on."""
