"""A photograph in the viewer, one or a folder's stack, with what lies over it.

A :class:`Photograph` is gathered on the viewer's thread, which is quick, and may then be read in a
worker. It decides which layers hold the nuclei, the cytoplasm and the annotations of a photograph.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from napari.layers import Image, Labels, Layer
from numpy.typing import NDArray

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Field
from napari_marrow.imaging.segmentation import found_nuclei
from napari_marrow.jobs.augment import file_name
from napari_marrow.viewer.layer_info import Kind, LayerInfo, full_data, layer_fields, layer_products
from napari_marrow.viewer.photograph.annotations import (
    AnnotatedSlice,
    Annotation,
    annotated_cells,
    annotations_in,
    by_id,
    field_class,
    has_marks,
    is_chosen,
    is_seen,
    is_wanted,
)
from napari_marrow.viewer.photograph.copies import check_unchanged, names_of_others, slice_keys
from napari_marrow.viewer.photograph.links import labels_of
from napari_marrow.viewer.photograph.overlays import (
    Overlay,
    layer_notes,
    misplaced,
    own_labels_over,
    topmost,
    unlinked_labels,
)
from napari_marrow.viewer.records import Product
from napari_marrow.viewer.stack import LazyStack, Pixels, read_slice
from napari_marrow.viewer.transforms import lies_over

NO_PHOTOGRAPH = "No photograph is open; open an RGB image of 8 bits a channel, or a folder, first."
NONE_CHOSEN = "No field is ticked; tick those that are wanted in the table of the open layers."


@dataclass(frozen=True, eq=False)
class Photograph:
    """One photograph or a stack of them, with its class, nuclei, cytoplasm and annotations.

    Attributes
    ----------
    layer
        Only touched on the viewer's thread.
    name
        Of the layer.
    data
        (height, width, 3) or (fields, height, width, 3), perhaps lazy.
    info
        What the plugin knows of the layer.
    files
        The fields whose files the slices show; empty where pixels are in no file.
    origin
        The fields that the slices were made from; empty where the plugin did not make them.
    products
        What the slices are where they were augmented, else empty.
    classes
        Class of each slice, None where it has none.
    chosen
        The slices to learn from, measure and label.
    nuclei, cytoplasm
        Labels of these that are seen, with any edits made: of the topmost visible layer that holds
        some, else of the topmost hidden one.
    annotations
        Layers that give classes to cells and are visible, the lowest first.
    hidden_annotations
        Layers that would give classes to cells if they were visible.
    hidden_nuclei
        The name of the layer of its nuclei if that is hidden, else ''.
    hidden
        Whether its own layer is hidden.
    own_labels
        Data of other Labels that a person made over it, by the names of their layers.
    misplaced
        Why its nuclei or annotations can't be used, as they lie elsewhere; else ''.
    notes
        Of layers over it that a person may think are used, why they are not.
    opened
        The file that another reader read it from, if any.
    copies
        Of slices whose photograph is also open in another layer, which counts: the name of that.
    """

    layer: Image
    name: str
    data: Pixels
    info: LayerInfo
    files: tuple[Field, ...]
    origin: tuple[Field, ...]
    products: tuple[Product, ...]
    classes: tuple[str | None, ...]
    chosen: tuple[int, ...]
    nuclei: Overlay | None
    cytoplasm: Overlay | None
    annotations: tuple[Annotation, ...]
    hidden_annotations: tuple[Annotation, ...]
    hidden_nuclei: str
    hidden: bool
    own_labels: Mapping[str, Pixels]
    misplaced: str
    notes: tuple[str, ...]
    opened: str | None
    copies: Mapping[int, str]

    @classmethod
    def of(cls, layer: Image, layers: Sequence[Layer]) -> Photograph:
        """Gather a photograph's layer and what ``layers`` has over it."""
        found = {x.layer: x for x in cls.open_in(layers)}
        return found.get(layer) or cls._gather(layer, by_id(layers), (), {}, ())

    @classmethod
    def _gather(
        cls,
        layer: Image,
        photographs: Mapping[str, Image],
        own: Sequence[Labels],
        own_labels: Mapping[str, Pixels],
        notes: Sequence[str],
    ) -> Photograph:
        info, data = LayerInfo.of(layer), full_data(layer)
        over = [x for x in own if lies_over(layer, x)]
        rows = range(len(data) if data.ndim == 4 else 1)
        nuclei = topmost(layer, over, Kind.NUCLEI)
        annotations = annotations_in(over, len(rows), nuclei and nuclei.layer)
        return cls(
            layer=layer,
            name=layer.name,
            data=data,
            info=info,
            files=tuple(layer_fields(layer)),
            origin=() if info.photograph is None else info.fields,
            products=layer_products(layer),
            classes=tuple(field_class(layer, row, photographs) for row in rows),
            chosen=tuple(row for row in rows if is_chosen(layer, row)),
            nuclei=nuclei,
            cytoplasm=topmost(layer, over, Kind.CYTOPLASM),
            annotations=tuple(x for x in annotations if x.visible),
            hidden_annotations=tuple(x for x in annotations if not x.visible),
            hidden_nuclei="" if nuclei is None or is_seen(nuclei.layer) else nuclei.layer.name,
            hidden=not layer.visible,
            own_labels=own_labels,
            misplaced=misplaced(layer, [x for x in own if x not in over]),
            notes=tuple(notes),
            copies={},
            opened=None if info.fields else layer.source.path,
        )

    @classmethod
    def open_in(cls, layers: Sequence[Layer]) -> list[Photograph]:
        """Gather all open photographs."""
        layers = list(layers)  # napari makes a new list with events of each part of its own
        own, unlinked = labels_of(layers), unlinked_labels(layers)
        photographs, notes = by_id(layers), layer_notes(layers, own)  # labels_of gives each an id
        others = {x: own_labels_over(x, unlinked, layers) for x in own}
        made = (cls._gather(x, photographs, own[x], others[x], notes[x]) for x in own)
        return _without_copies([*made])

    @classmethod
    def all_of(cls, layers: Sequence[Layer]) -> list[Photograph]:
        """Gather all open photographs; raise MarrowError where there is none."""
        found = cls.open_in(layers)
        if not found:
            raise MarrowError(NO_PHOTOGRAPH)
        return found

    @classmethod
    def chosen_of(cls, layers: Sequence[Layer]) -> list[Photograph]:
        """Gather those of which fields are chosen; raise MarrowError where there is none."""
        if not (found := [x for x in cls.all_of(layers) if x.chosen]):
            raise MarrowError(NONE_CHOSEN)
        return found

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def root(self) -> Path | None:
        """The folder of ``files``, or None."""
        return self.info.root if self.files else None

    @property
    def is_stack(self) -> bool:
        """Whether it has an axis of fields."""
        return self.data.ndim == 4

    @property
    def overlays(self) -> dict[Kind, Overlay]:
        """The masks that lie over it, by kind."""
        found = {Kind.NUCLEI: self.nuclei, Kind.CYTOPLASM: self.cytoplasm}
        return {kind: x for kind, x in found.items() if x is not None}

    @property
    def cell_overlays(self) -> list[Overlay]:
        """The layers of which each label is a cell: the nuclei, and annotated cells."""
        own = [self.nuclei, *(Overlay.of(x.layer) for x in self.annotations if not x.painted)]
        return list({id(x.layer): x for x in own if x is not None}.values())

    def size(self, row: int) -> tuple[int, int]:
        """Return height and width of a slice; those of a file may be read from its header."""
        if self.products:
            return self.products[row].size
        fields = self.files or (self.origin if isinstance(self.data, LazyStack) else ())
        if self.is_stack and len(fields) == len(self):
            return fields[row].size()
        height, width = self.data.shape[-3:-1]
        return height, width

    def part(self, data: Pixels, row: int) -> NDArray:
        """Return a slice of ``data`` over the photograph.

        A slice that is smaller than others is in the upper left corner of a frame, which is cut
        off.
        """
        height, width = self.size(row)
        return (read_slice(data, row) if self.is_stack else np.asarray(data))[:height, :width]

    def image(self, row: int) -> NDArray[np.uint8]:
        """Return the pixels of a slice, (height, width, 3).

        Raises
        ------
        MarrowError
            When they can't be read, or their file is no longer the one that was opened.
        """
        self._check_files(row)
        return self.files[row].image() if self.files else self.part(self.data, row)[..., :3]

    def has_own_nuclei(self, row: int) -> bool:
        """Whether the nuclei of a slice that are seen are others than those of its file."""
        return self.nuclei is not None and not (self.nuclei.shows_file(row) and self.files)

    def check(self, row: int) -> None:
        """Raise MarrowError where nuclei or annotations lie elsewhere, or files were changed."""
        if self.misplaced:
            raise MarrowError(self.misplaced)
        self._check_files(row)

    def _check_files(self, row: int) -> None:
        if self.files and self.info.states:
            check_unchanged(self.files[row], self.info.states[row])

    def labels(self, row: int) -> NDArray[np.integer] | None:
        """Return the nuclei of a slice that are seen; without any layer, those of its files.

        None where neither are known; then they are to be found, see :meth:`cells`.

        Raises
        ------
        MarrowError
            When they can't be read, or :meth:`check` raises it.
        """
        from napari_marrow.imaging.nuclei import field_labels

        self.check(row)
        if not self._has_labels(row):
            return None
        if self.nuclei is not None:
            return self.part(self.nuclei.data, row)
        return field_labels(self.files[row])

    def _has_labels(self, row: int) -> bool:
        fields = self.files or self.origin
        if not fields or (self.nuclei is not None and not self.nuclei.shows_file(row)):
            return self.nuclei is not None
        masks = fields[row].labels is not None or "nucleus" in fields[row].mask_kinds
        return masks and (self.nuclei is not None or bool(self.files))  # else a stack shows none

    def nuclei_origin(self, row: int) -> str:
        """Return whose nuclei those of a slice are, as reports say it."""
        if not self._has_labels(row):
            return "found in the photograph"
        return "of its mask" if self.nuclei is None else f"of {self.nuclei.layer.name}"

    def labels_at_hand(self, row: int) -> NDArray[np.integer] | None:
        """Return the nuclei of a slice if they are known and need not be made first."""
        if self.nuclei is None:
            return None
        data = self.nuclei.data
        if isinstance(data, LazyStack) and row in data.unprepared:
            return None
        try:
            return self.labels(row)
        except MarrowError:  # reported where the slice is drawn
            return None

    def cells(self, row: int) -> NDArray[np.integer]:
        """Return the nuclei of a slice: those that are seen, else those found in the photograph.

        Raises
        ------
        MarrowError
            When the photograph can't be read.
        """
        labels = self.labels(row)
        return found_nuclei(self.image(row)) if labels is None else labels

    def annotated(self, row: int, nuclei: NDArray[np.integer] | None = None) -> AnnotatedSlice:
        """Return the cells of a slice that are annotated, and strokes that lie on none.

        Where annotations are by number and lie over the nuclei, the cells are theirs. All other
        annotations are taken as strokes, which give their class to the cells below them: to
        ``nuclei``, by default those of :meth:`cells`.

        Raises
        ------
        MarrowError
            As :meth:`labels` does.
        """
        self.check(row)
        parts = [(x, x.classes[row], self.part(x.data, row)) for x in self.annotations]
        return annotated_cells(parts, lambda: self.cells(row) if nuclei is None else nuclei)

    def field(self, row: int) -> Field:
        """Return a slice as a field; one that is in no file has a path that does not exist."""
        class_name = self.classes[row]
        if self.files:
            return replace(self.files[row], class_name=class_name)
        if self.products:
            name, source = self.products[row].name, self.products[row].source
            return Field(Path(f"{file_name(name)}.bmp"), name, source, class_name)
        if self.origin:  # of the same source, or it would be on both sides of a split
            name = f"{file_name(self.origin[row].name)} {self.info.kind}"
            return Field(Path(f"{name}.bmp"), name, self.origin[row].source, class_name)
        name = file_name(self.name) + (f" {row}" if len(self) > 1 else "")
        return Field(Path(f"{name}.bmp"), name, name, class_name)

    def origin_key(self, row: int) -> str:
        """Return the file that a slice comes from, or what tells its photograph from all others.

        Pixels that were replaced still count as made from the file that the layer names.
        """
        if self.products:
            path = Path(self.products[row].photograph)
            return str(path.resolve()) if path.is_absolute() else str(path)
        fields = self.files or self.info.fields
        if row < len(fields):
            return str(fields[row].path.resolve())
        return f"{self.info.photograph or self.info.id} {row}"

    def keys(self, row: int) -> set[Hashable]:
        """Return what other layers of the same photograph have in common with a slice."""
        product = self.products[row] if self.products else None
        return slice_keys(self.data, row, self.info, bool(self.files), self.opened, product)

    def is_annotated(self, row: int) -> bool:
        """Return whether cells of a slice are annotated, or strokes lie on none; quick."""
        data = [np.asarray(x.data[row] if self.is_stack else x.data) for x in self.annotations]
        return any(map(has_marks, data, [x.classes[row] for x in self.annotations]))

    def out_of_date(self, layers: Sequence[Layer]) -> str:
        """Return why what was made of the photograph in a worker is of no use, else ''."""
        if self.layer not in layers:
            return "The photograph was removed meanwhile; nothing was added."
        if full_data(self.layer) is not self.data:
            return (
                "The photograph was changed meanwhile; nothing was added. Press the button again."
            )
        return ""


def _without_copies(found: Sequence[Photograph]) -> list[Photograph]:
    """Choose of copies the one that a person worked on; what was ticked stays."""
    slices = [(x, row) for x in found for row in range(len(x)) if is_wanted(x.layer, row)]
    names = names_of_others([((x, row), x.keys(row), x.name) for x, row in slices], _rank)
    copies = {x: {k: names[x, k] for k in range(len(x)) if (x, k) in names} for x in found}
    chosen = {x: [k for k in x.chosen if k not in copies[x] or x.info.chosen.get(k)] for x in found}
    return [replace(x, copies=copies[x], chosen=tuple(chosen[x])) for x in found]


def _rank(one: tuple[Photograph, int]) -> tuple[bool, ...]:
    """The lower, the sooner a copy counts: with annotated cells, corrected nuclei, a class."""
    x, row = one
    edited = x.nuclei is not None and x.nuclei.edited and not x.products
    corrected = edited and x.nuclei is not None and x.nuclei.corrected(row)
    kept = (x.classes[row] is None, bool(x.products), not x.annotations)
    return not x.is_annotated(row), not corrected, not edited, *kept
