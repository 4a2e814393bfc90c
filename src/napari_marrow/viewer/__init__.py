"""Seventh floor: napari in and out. Layers become fields and fields become layers."""
