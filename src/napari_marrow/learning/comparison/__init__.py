"""Comparison of models: cross-validation, and what it finds beside scores."""
