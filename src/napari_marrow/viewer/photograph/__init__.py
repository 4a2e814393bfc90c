"""A photograph in the viewer, with its masks, annotations and files."""
