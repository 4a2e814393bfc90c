"""The cells of all slices that are measured, in one table, and which slice each field of it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from napari.layers import Image, Layer

from napari_marrow.learning.annotating.cells import MeasuredCells
from napari_marrow.viewer.annotating.measuring import MeasuredSlice
from napari_marrow.viewer.annotating.measuring_queue import Key


@dataclass(frozen=True, eq=False)
class JoinedCells:
    """A table of cells.

    Attributes
    ----------
    cells
        The table.
    keys
        The slice of each of its fields.
    """

    cells: MeasuredCells
    keys: tuple[Key, ...]

    @classmethod
    def of(
        cls,
        slices: Mapping[Key, MeasuredSlice],
        names: Mapping[Key, str],
        acquisitions: Mapping[Key, str],
        layers: Sequence[Layer],
    ) -> JoinedCells | None:
        """Join slices, by name, in the order of their layers; None without any.

        Of a photograph that is opened twice, whose fields have the same names, one counts. A slice
        without an acquisition has "".
        """
        order = {layer: k for k, layer in enumerate(layers) if isinstance(layer, Image)}
        named = dict[str, Key]()
        for key in sorted((x for x in slices if x[0] in order), key=lambda x: (order[x[0]], x[1])):
            named.setdefault(names[key], key)
        if not named:
            return None
        measured = {
            name: replace(slices[key].measured, acquisition=acquisitions.get(key, ""))
            for name, key in named.items()
        }
        return cls(MeasuredCells.of(measured), tuple(named.values()))
