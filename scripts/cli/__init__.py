"""The commands of `catalyst`, a file for each family."""
