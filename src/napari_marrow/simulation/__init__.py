"""Simulated fields of white blood cells, with exact masks."""
