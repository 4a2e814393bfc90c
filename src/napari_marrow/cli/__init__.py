"""The command line: every command is a thin call into the floors below."""

from napari_marrow.cli import (  # each adds its commands to the application
    counting,
    evaluation,
    folders,
    models,
    pictures,
)
from napari_marrow.cli.app import app, main, run

__all__ = ["app", "counting", "evaluation", "folders", "main", "models", "pictures", "run"]
