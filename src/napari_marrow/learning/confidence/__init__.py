"""How certain answers are: calibration, the error rate, and units that are of no class."""
