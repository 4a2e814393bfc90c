"""A project: a folder with annotations of cells, their history, and the models made from them."""
