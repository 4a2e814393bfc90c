"""Labels of fields and photographs from the cache on disk, run-length encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.cache import Arrays, cached, file_states
from napari_marrow.data.fields import Field
from napari_marrow.imaging.run_length import RunLengthLabels


def cached_field_labels(
    field: Field, kind: str, make: Callable[[], NDArray[np.integer]]
) -> NDArray[np.integer]:
    """Return the labels of a kind of a field from the cache, else make and cache them.

    Parameters
    ----------
    field
        The paths, sizes and times of change of its files decide whether cached labels are right.
    kind
        Such as ``nuclei``: distinguishes labels made of the same files.
    make
        Makes the labels, of any integer type. What it raises is raised here.
    """
    kinds = [f"{name} {path}" for name, path in sorted(field.masks.items())]
    encoding = f"{field.mask_code} {field.bits} {len(field.cells)}"
    parts = [kind, encoding, *kinds, *file_states(field.all_files)]
    return cached_labels(parts, make)


def cached_labels(
    parts: Iterable[str], make: Callable[[], NDArray[np.integer]]
) -> NDArray[np.integer]:
    """Return labels that were made of the same parts before, else make and cache them."""
    return cached(parts, make, lambda labels: vars(RunLengthLabels.encode(labels)), _decode)


def _decode(arrays: Arrays) -> NDArray[np.integer]:
    return RunLengthLabels(tuple(arrays["shape"]), arrays["values"], arrays["lengths"]).decode()
