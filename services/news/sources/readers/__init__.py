"""Readers of texts above our own reading: language models and a classifier, which the operator configures."""
