"""Third floor: pixels become numbers with names."""
