"""The Labels layers over a photograph: which hold its nuclei, and which are of no use, and why."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from napari.layers import Image, Labels, Layer, Points, Shapes
from numpy.typing import NDArray

from napari_marrow.data.text import listed
from napari_marrow.viewer.layer_info import Kind, LayerInfo, full_data
from napari_marrow.viewer.photograph.annotations import annotates, is_seen, seen
from napari_marrow.viewer.photograph.links import below, changed_since, is_of, where_it_belongs
from napari_marrow.viewer.stack import EditableStack, LazyStack, Pixels
from napari_marrow.viewer.transforms import lies_over

_MASK_WORDS = (Kind.NUCLEI, Kind.CYTOPLASM)
NEW_LABELS = " - Labels"
"""napari adds this to the name of the active layer, perhaps of nuclei, for that of a new one."""


@dataclass(frozen=True, eq=False)
class Overlay:
    """A Labels layer over a photograph; ``layer`` is only touched on the viewer's thread.

    ``from_files`` is whether it shows the masks of a folder, where nobody painted on them;
    ``checksum`` is of the masks of one field, as they were opened.
    """

    layer: Labels
    data: Pixels
    from_files: bool = False
    checksum: int | None = None

    @classmethod
    def of(cls, layer: Labels) -> Overlay:
        """Return the layer with its data as it is now."""
        info, data = LayerInfo.of(layer), full_data(layer)
        editable = isinstance(data, EditableStack) and not data.of_files
        filed = isinstance(data, LazyStack) and not editable
        return cls(layer, data, filed and info.kind in _MASK_WORDS, info.checksum)

    def shows_file(self, row: int) -> bool:
        """Whether a slice is the mask of a file, as it is there."""
        painted = isinstance(self.data, EditableStack) and row in self.data.painted_rows
        return self.from_files and not painted

    @property
    def edited(self) -> bool:
        """Whether a person made or changed it."""
        if isinstance(self.data, np.ndarray) and self.checksum is not None:
            return labels_checksum(self.data) != self.checksum
        return not self.from_files or self._is_painted

    @property
    def _is_painted(self) -> bool:
        return isinstance(self.data, EditableStack) and bool(self.data.painted_rows)

    def corrected(self, row: int) -> bool:
        """Whether a person made or changed a slice; in a folder, not just by segmenting."""
        segmented = isinstance(self.data, EditableStack) and row not in self.data.painted_rows
        return self.edited and not segmented


def labels_checksum(labels: NDArray) -> int:
    """Return a checksum of all pixels: a person may change one."""
    return zlib.crc32(np.ascontiguousarray(labels).data)


def topmost(image: Image, own: Sequence[Labels], word: str) -> Overlay | None:
    """Return the topmost layer that is seen, of those which hold nuclei or cytoplasm."""
    masks = seen([x for x in own if _holds(image, x, word)])
    return Overlay.of(masks[-1]) if masks else None


def _holds(image: Image, layer: Labels, word: str) -> bool:
    """Whether a layer holds ``nuclei`` or ``cytoplasm`` by its kind, else by its name."""
    kind = LayerInfo.of(layer).kind
    if kind is not None:
        return kind.endswith(word)
    name = layer.name.removeprefix(f"{image.name} ").lower()
    named = word in name or (word == Kind.NUCLEI and "nucleus" in name)
    return named and NEW_LABELS not in layer.name


def holds_masks(image: Image, layer: Labels) -> bool:
    """Return whether a layer shows which pixels are nuclei, cytoplasm or cells, each at random."""
    whole = LayerInfo.of(layer).kind is Kind.WHOLE_CELLS
    return whole or any(_holds(image, layer, word) for word in _MASK_WORDS)


def unlinked_labels(layers: Sequence[Layer]) -> list[Labels]:
    """Return Labels of a person's own, or of another program."""
    labels = [(x, LayerInfo.of(x)) for x in layers if isinstance(x, Labels)]
    return [x for x, info in labels if info.kind is None and info.photograph is None]


def own_labels_over(
    image: Image, unlinked: Sequence[Labels], layers: Sequence[Layer]
) -> dict[str, Pixels]:
    """Return Labels over a photograph that are neither linked nor named as masks, of any one."""
    over = [x for x in unlinked if lies_over(image, x)]
    over = [x for x in over if not any(_holds(image, x, w) for w in _MASK_WORDS)]
    infos = {x: LayerInfo.of(x) for x in over}
    over = [x for x in over if not infos[x].origin or is_of(infos[x], image, layers)]
    others = [x.name for x in layers if isinstance(x, Image) and x is not image] if over else []
    named = {f"{x} {word}" for x in others for word in (*_MASK_WORDS, Kind.ANNOTATION)}
    return {x.name: x.data for x in over if x.name not in named}


def misplaced(image: Image, elsewhere: Sequence[Labels]) -> str:
    """Return a sentence about visible nuclei or classes that don't lie over a photograph, or ''."""
    used = [x for x in elsewhere if is_seen(x) and _is_used(image, x)]
    names = [x.name for x in used if not _is_predicted(x)]  # of those layer_notes says it
    if not names:
        return ""
    return (
        f"{names[0]} does not lie pixel for pixel over {image.name}, so other cells would be used "
        "than those in view; Alt-click the Transform button of the layer that was moved, give it "
        "the photograph's size and scale, or hide it."
    )


def _is_predicted(layer: Labels) -> bool:
    kind = LayerInfo.of(layer).kind
    return kind is not None and kind.is_predicted


def _is_used(image: Image, layer: Labels) -> bool:
    return annotates(layer) or any(_holds(image, layer, word) for word in _MASK_WORDS)


def layer_notes(
    layers: Sequence[Layer], own: Mapping[Image, Sequence[Labels]]
) -> dict[Image, list[str]]:
    """Return what to say of visible layers over each photograph that give it no cells.

    Parameters
    ----------
    layers
        Of the viewer.
    own
        The Labels layers of each photograph.
    """
    found: dict[Image, list[str]] = {image: [] for image in own}
    for place, layer in enumerate(layers):
        if not layer.visible or not isinstance(layer, Image | Labels | Points | Shapes):
            continue
        image = next((x for x in own if layer in own[x]), None)
        text, under = _no_use(layer, image, [*own]), layers[:place]
        if text and image is None:
            image = below(layer, under, [*own])
        if image is None:
            continue
        side = "over" if image in under else "under"
        if text:
            found[image].append(f"{layer.name} {side} {image.name} {text}")
        elif isinstance(layer, Labels) and _is_used(image, layer):
            found[image] += _doubts(layer, image, covered=image not in under and image.visible)
    return found


def _doubts(layer: Labels, image: Image, covered: bool) -> list[str]:
    """What to check of a layer that gives its photograph cells."""
    texts, info = list[str](), LayerInfo.of(layer)
    if _is_predicted(layer) and not lies_over(image, layer):
        texts.append(
            f"{layer.name} does not lie pixel for pixel over {image.name}, so that its corrections "
            "are not used: label again, which takes them along"
        )
    if covered:
        texts.append(f"{layer.name} is covered by {image.name}: drag it above in the layer list")
    changed = (
        changed_since(info, image)
        if info.origin and info.photograph != LayerInfo.of(image).id
        else []
    )
    if changed:
        are = "was" if len(changed) == 1 else "were"
        texts.append(
            f"{listed(changed)} {are} changed after {layer.name} was made or saved: check that "
            "its labels fit"
        )
    return texts


def _gives_cells(kind: Kind) -> bool:
    return kind.holds_nuclei or kind is Kind.ANNOTATION


def _no_use(
    layer: Image | Labels | Points | Shapes, image: Image | None, images: Sequence[Image]
) -> str:
    """Why a layer gives the photograph it belongs to no cells, and what to do; '' where it does."""
    info = LayerInfo.of(layer)
    kind = info.kind
    if isinstance(layer, Image):
        converted = kind is not None and _gives_cells(kind)
        return "is an image now, and not used: convert it to labels again" if converted else ""
    if not isinstance(layer, Labels):
        used = kind is not None or not len(layer.data)
        return "" if used else "is not used: press Annotate cells, and paint the cells there"
    if image is None:
        used = not info.origin if kind is None else not _gives_cells(kind)
        return "" if used else f"is not used: {where_it_belongs(info, images)}"
    if kind is Kind.ANNOTATION and not annotates(layer):
        return "has lost the classes of its labels: press Annotate cells to give them some again"
    if kind is not None or _is_used(image, layer):
        return ""
    return (
        "gives no classes: press Annotate cells and paint there, give it the columns index and "
        f"class, or name it {image.name} nuclei if each of its labels is a nucleus"
    )
