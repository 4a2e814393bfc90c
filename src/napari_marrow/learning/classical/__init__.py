"""Classical models, which learn from measured features."""
