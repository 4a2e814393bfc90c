"""The cells of photographs for other programs: tables, GeoJSON, label images and pictures."""
