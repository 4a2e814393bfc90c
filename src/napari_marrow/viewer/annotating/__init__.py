"""Cells of open photographs get classes, which a project keeps."""
