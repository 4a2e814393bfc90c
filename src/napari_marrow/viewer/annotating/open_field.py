"""A field that is being annotated: its layers, its cells, and its name in a project."""

from __future__ import annotations

from dataclasses import dataclass

from napari.layers import Image, Labels

from napari_marrow.viewer.annotating.field_cells import EncodedCells, FieldCells
from napari_marrow.viewer.photograph.photograph import Photograph


@dataclass(eq=False)
class OpenField:
    """A field whose cells are known.

    Attributes
    ----------
    image, layer
        The photograph or stack, and its layer of annotations.
    row
        The slice.
    name
        Of the field in the project.
    encoded
        Its cells.
    """

    image: Image
    layer: Labels
    row: int
    name: str
    encoded: EncodedCells

    @property
    def cells(self) -> FieldCells:
        """Its cells."""
        return self.encoded.cells


def field_name(photograph: Photograph, row: int) -> str:
    """Return what a project calls a field: its path from the folder of all, with that folder.

    So it is found again where the folder was moved. What is in no file has its layer's name.
    """
    if photograph.files and photograph.root is not None:
        path = photograph.files[row].path
        if path.is_relative_to(photograph.root):
            return (photograph.root.name / path.relative_to(photograph.root)).as_posix()
        return path.name
    return photograph.field(row).name
