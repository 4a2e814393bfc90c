"""A field that is being annotated: its layers, its cells, and its name in a project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from napari.layers import Image, Labels

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.project.annotations import Annotations, Change, Given, Place
from napari_marrow.viewer.annotating.field_cells import EncodedCells, FieldCells
from napari_marrow.viewer.photograph.photograph import Photograph

OUTLINE_PX = 2
"""Width of the outlines of nuclei and cytoplasm while their classes are shown."""


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

    def annotated(self, annotations: Annotations) -> dict[int, list[Place]]:
        """Return the annotated cells by number, with the pixels they are kept by."""
        places = annotations.by_image.get(self.name, ())
        found: dict[int, list[Place]] = {}
        numbers = self.encoded.labels.at(np.array([(x.y, x.x) for x in places], np.intp))
        for place, number in zip(places, numbers.tolist(), strict=True):
            if number:
                found.setdefault(number, []).append(place)
        return found

    def changes(self, annotations: Annotations, wanted: Mapping[int, Given | None]) -> list[Change]:
        """Return the changes by which cells, by number, have what is wanted."""
        cells, known = annotations.cells, self.annotated(annotations)
        changes = []
        for number, after in wanted.items():
            own = known.get(number) or [Place(self.name, *self.cells.place(number))]
            first, others = own[0], own[1:]  # several where cells were joined
            changes += [Change(place, cells[place], None) for place in others]
            if cells.get(first) != after:
                changes.append(Change(first, cells.get(first), after))
        return changes

    @property
    def cells(self) -> FieldCells:
        """Its cells."""
        return self.encoded.cells


def outline(layers: Iterable[Labels]) -> None:
    """Show layers of masks as outlines, where they are not yet: their colours are no classes."""
    for layer in layers:
        if not layer.contour:
            layer.contour = OUTLINE_PX


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
