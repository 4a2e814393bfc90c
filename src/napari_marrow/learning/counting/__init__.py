"""The share of a class among cells, adjusted for the model's errors, against a cut-off."""
