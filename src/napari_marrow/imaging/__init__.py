"""Second floor: pixels become pixels. Arrays in, arrays out; no files, no models."""
