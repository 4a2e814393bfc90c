"""A cache of labels in the user's cache folder: of each field and kind one file.

A file is named by a checksum of what its labels are made of: the paths, sizes and times of change
of the photograph and its masks, and the code that separates nuclei. So a file is never out of date.
The files used longest ago are removed when all take more than :data:`MAX_CACHE_BYTES`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

import napari_marrow.imaging
from napari_marrow.data.atomic import atomic_file
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Field
from napari_marrow.data.outputs import FileKind
from napari_marrow.viewer.run_length import RunLengthLabels

MAX_CACHE_BYTES = 500_000_000
"""About 8000 fields of 2560x1920."""
_KIND = FileKind("cached labels", is_ours=lambda path: True)  # nothing else is in that folder


def cache_folder() -> Path:
    """Return the folder of the cached labels; it may not be there yet."""
    return platformdirs.user_cache_path("napari-marrow") / "labels"


def cached_labels(
    field: Field,
    kind: str,
    make: Callable[[], NDArray[np.integer]],
    unwritten: dict[Path, RunLengthLabels] | None = None,
) -> NDArray[np.integer]:
    """Return the labels of a kind of a field from the cache, else make and cache them.

    Parameters
    ----------
    field
        Its files decide whether cached labels are up to date.
    kind
        Such as ``nuclei``: distinguishes labels made of the same files.
    make
        Makes the labels, of the field's size and any integer type. What it raises is raised here.
    unwritten
        Keeps in memory what can't be written to the cache: by the path of its file.
    """
    path = cache_folder() / f"{_key(field, kind)}.npz"
    if unwritten and path in unwritten:
        return unwritten[path].decode()
    if (cached := _read(path, field)) is not None:
        return cached
    labels = make()
    encoded = RunLengthLabels.encode(labels)
    try:
        with atomic_file(path, _KIND) as part, open(part, "wb") as file:
            np.savez(file, **vars(encoded))
    except (OSError, MarrowError):  # a full disk, or no permission
        if unwritten is not None:
            unwritten[path] = encoded
    return labels


def _read(path: Path, field: Field) -> NDArray[np.integer] | None:
    """Return the labels of a cache file; None where it is not there or damaged."""
    try:
        with np.load(path) as arrays:
            encoded = RunLengthLabels(**arrays)
        if tuple(encoded.shape) != field.size():
            return None
        labels = encoded.decode()
    except Exception:  # noqa: BLE001 - damaged bytes raise nearly anything, even TokenError
        return None
    with suppress(OSError):  # the cache may be read-only
        path.touch()
    return labels


def trim_cache(max_bytes: int = MAX_CACHE_BYTES) -> None:
    """Remove the files used longest ago until all take at most ``max_bytes``."""
    total = 0
    with suppress(OSError):  # another process may trim it, too
        files = [(path.stat(), path) for path in cache_folder().glob("*.npz")]
        for status, path in sorted(files, key=lambda each: each[0].st_mtime, reverse=True):
            total += status.st_size
            if total > max_bytes:
                path.unlink()


def _key(field: Field, kind: str) -> str:
    parts = [kind, _algorithm(), field.mask_code]
    for path in (field.path, field.labels, *field.mask_files):
        if path is not None and path.exists():
            found = path.stat()
            parts += [str(path.resolve()), str(found.st_size), str(found.st_mtime_ns)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@cache
def _algorithm() -> str:
    """Return a checksum of the code that reads masks, and of :mod:`napari_marrow.imaging`."""
    digest = hashlib.sha256()
    package = Path(napari_marrow.imaging.__path__[0]).parent
    for path in sorted([*package.glob("imaging/*.py"), *package.glob("data/*masks.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()
