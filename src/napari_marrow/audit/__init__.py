"""Checks of a collection for what would make a score on it too good."""
