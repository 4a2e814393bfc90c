"""Results as figures, tables and pages that a person reads."""
