"""A field that is being annotated: its layers, its cells, and its name in a project."""

from __future__ import annotations

from dataclasses import dataclass

from napari.layers import Image, Labels

from napari_marrow.data.errors import MarrowError
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


def check_names(photograph: Photograph, origins: dict[Image, dict[str, str]]) -> None:
    """Note what the fields of a photograph are called, and from where they are.

    Parameters
    ----------
    photograph
        The photograph or stack.
    origins
        Of the photographs that are annotated, where each field is from, by its name; changed.

    Raises
    ------
    MarrowError
        When other fields have these names: a project would mix them.
    """
    rows = range(len(photograph))
    own = {field_name(photograph, row): photograph.origin_key(row) for row in rows}
    for image, other in origins.items():
        same = [name for name in own if other.get(name, own[name]) != own[name]]
        if image is not photograph.layer and same:
            raise MarrowError(
                f"{photograph.name} and {image.name} both have a field {same[0]}; close one of "
                "them, or give its folder another name, as a project knows fields by their names."
            )
    origins[photograph.layer] = own
