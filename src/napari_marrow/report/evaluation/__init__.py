"""The report of an evaluation or a comparison: page, figures and tables."""
