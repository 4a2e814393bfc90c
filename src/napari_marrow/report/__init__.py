"""Fifth floor: results become pictures and pages that a person reads."""
