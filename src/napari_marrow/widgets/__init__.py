"""Eighth floor: what a person touches, one file a dock widget."""
