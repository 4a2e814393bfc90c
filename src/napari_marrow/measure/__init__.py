"""Features of photographs and of cells: pixels become numbers with names."""
