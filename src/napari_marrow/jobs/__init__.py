"""Sixth floor: where work runs, in place or in a child process."""
