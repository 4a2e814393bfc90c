"""Fixtures of cells that are annotated."""

from annotated_stack import live, picture, viewer

__all__ = ["live", "picture", "viewer"]
