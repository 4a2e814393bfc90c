"""Classes that were given to cells in other programs, read from their files."""
