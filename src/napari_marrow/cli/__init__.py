"""The command line: every command is a thin call into the floors below."""

from napari_marrow.cli import folders, models, pictures  # each adds its commands to the application
from napari_marrow.cli.app import app, main, run

__all__ = ["app", "folders", "main", "models", "pictures", "run"]
