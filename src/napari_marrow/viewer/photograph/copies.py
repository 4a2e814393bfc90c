"""The same photograph open twice, and files that changed since they were opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from napari_marrow.data.cache import N_FILE_STATE, file_states
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Field
from napari_marrow.data.images import decode
from napari_marrow.viewer.layer_info import LayerInfo, pixel_checksum
from napari_marrow.viewer.records import Product
from napari_marrow.viewer.stack import Pixels

T = TypeVar("T", bound=Hashable)


def slice_keys(
    data: Pixels,
    row: int,
    info: LayerInfo,
    shows_files: bool,
    opened: str | None,
    product: Product | None,
) -> set[Hashable]:
    """Return what copies of a photograph have in common: its file as it was, or its pixels.

    Parameters
    ----------
    data, row, info
        Of its layer, which slice, and what the plugin knows of the layer.
    shows_files
        Whether the slices are the fields of ``info``.
    opened
        The file that another reader read a layer from, if any.
    product
        What the slice is where it was augmented.
    """
    keys = set[Hashable]()
    if shows_files:
        state = info.states[row] if info.states else file_states([info.fields[row].path])
        keys.add(tuple(state[:N_FILE_STATE]))
    elif product and not product.operation and Path(product.photograph).is_file():
        keys.add(tuple(file_states([Path(product.photograph)])))
    elif opened and data.ndim == 3:
        keys.add(tuple(file_states([Path(opened)])))
    if isinstance(data, np.ndarray):
        height, width = product.size if product else data.shape[-3:-1]
        pixels = (data[row] if data.ndim == 4 else data)[:height, :width, :3]
        keys.add((*pixels.shape, pixel_checksum(pixels)))
    return keys


def names_of_others(
    slices: Sequence[tuple[T, Collection[Hashable], str]], rank: Callable[[T], tuple[bool, ...]]
) -> dict[T, str]:
    """Return by each slice that is a copy of one which counts the name of that.

    Parameters
    ----------
    slices
        Each with its keys and its name; those with a key in common are copies.
    rank
        Of copies the one with the lowest counts, of equal ones the first; asked of copies only.

    Examples
    --------
    >>> slices = [(1, {"a"}, "x"), (2, {"b"}, "y"), (3, {"a", "c"}, "z")]
    >>> names_of_others(slices, lambda one: (False,))
    {3: 'x'}
    >>> names_of_others(slices, lambda one: (one < 3,))
    {1: 'z'}
    """
    number = Counter(key for _, keys, _ in slices for key in keys)
    copied = [one for one in slices if any(number[key] > 1 for key in one[1])]
    first: dict[Hashable, str] = {}
    found: dict[T, str] = {}
    for one, keys, name in sorted(copied, key=lambda x: rank(x[0])):
        known = [first[key] for key in keys if key in first]
        if known:
            found[one] = known[0]
        first |= dict.fromkeys(keys, known[0] if known else name)
    return found


def check_unchanged(field: Field, state: Collection[str]) -> None:
    """Raise MarrowError where a photograph or mask is not as it was when it had this state."""
    known = set(state)
    for path in field.all_files:
        if not known.issuperset(file_states([path])):
            decode(path)  # where it can't be read, that is what to say
            raise MarrowError(
                f"{path} was changed after it was opened; remove its layers and open it again."
            )
