"""A cache on disk of what takes long to make of fields: labels, features and crops of cells.

A file of arrays is named by a checksum of all that they are made of, and of the program's code. So
it is never out of date. The files used longest ago are removed when all take more than
:data:`MAX_CACHE_BYTES`; files of other names are neither counted nor removed. Where the folder
can't be written to, a little is kept in memory.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from itertools import count
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np
import platformdirs
from numpy.typing import NDArray

from napari_marrow.data.atomic import atomic_file
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.outputs import FileKind

MAX_CACHE_BYTES = 500_000_000
"""About 5000 fields of 2560x1920 with the features of their cells."""
MAX_MEMORY_BYTES = 50_000_000
"""Of what can't be written."""
MIN_FILE_BYTES = 4096
"""What a smaller file takes on disk."""
N_WRITES_BETWEEN_TRIMS = 200
FOLDER_VARIABLE = "NAPARI_MARROW_CACHE"
"""The environment variable that names another folder: the cache is a folder of its own in it."""
N_FILE_STATE = 4
"""Number of texts that :func:`file_states` has for each file."""
_writes = count()
_unwritten: OrderedDict[Path, bytes] = OrderedDict()
_lock = Lock()

T = TypeVar("T")
Arrays = Mapping[str, NDArray]


def _is_ours(path: Path) -> bool:
    """Whether a file has a name that only :func:`cached` gives."""
    return re.fullmatch(r"[0-9a-f]{64}\.npz", path.name) is not None


_KIND = FileKind("cached arrays", _is_ours)


def cache_folder() -> Path:
    """Return the folder of the cache; it may not be there yet."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named) / "napari-marrow"
    return platformdirs.user_cache_path("napari-marrow") / "fields"


def cached(
    parts: Iterable[str],
    make: Callable[[], T],
    encode: Callable[[T], Arrays],
    decode: Callable[[Arrays], T],
) -> T:
    """Return what was made of the same parts before, else make and cache it.

    Parameters
    ----------
    parts
        What is made, and of what: kind, settings, :func:`checksum` of arrays, :func:`file_states`.
    make
        Called where nothing is cached. What it raises is raised here.
    encode, decode
        Turn it into arrays of numbers or text, and back.
    """
    path = _path(parts)
    with suppress(Exception):  # not there, or damaged: that raises nearly anything
        return decode(_read(path))
    arrays = encode(make())
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    _write(path, buffer.getvalue())
    return decode(arrays)  # exactly as it comes from the cache


def remember(parts: Iterable[str], arrays: Arrays) -> None:
    """Keep arrays of numbers or text by what they are of, in place of earlier ones."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    _write(_path(parts), buffer.getvalue())


def recall(parts: Iterable[str]) -> Arrays | None:
    """Return what :func:`remember` kept; None where there is nothing, or it is damaged."""
    with suppress(Exception):  # that raises nearly anything
        return _read(_path(parts))
    return None


def forget(parts: Iterable[str]) -> None:
    """Remove what :func:`remember` kept."""
    path = _path(parts)
    _unwritten.pop(path, None)
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _path(parts: Iterable[str]) -> Path:
    key = hashlib.sha256("\0".join([_program(), *parts]).encode(errors="surrogateescape"))
    return cache_folder() / f"{key.hexdigest()}.npz"


def _read(path: Path) -> Arrays:
    content = _unwritten.get(path) or path.read_bytes()
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        found = dict(arrays)
    with suppress(OSError):  # the folder may be read-only
        os.utime(path)
    return found


def _write(path: Path, content: bytes) -> None:
    try:
        with atomic_file(path, _KIND) as part:
            part.write_bytes(content)
    except (OSError, MarrowError):  # a full disk, or no permission
        with _lock:
            _unwritten[path] = content
            while sum(map(len, _unwritten.values())) > MAX_MEMORY_BYTES:
                _unwritten.popitem(last=False)
    else:
        if next(_writes) % N_WRITES_BETWEEN_TRIMS == 0:
            trim_cache()


def trim_cache(max_bytes: int = MAX_CACHE_BYTES) -> None:
    """Remove the files used longest ago until all take at most ``max_bytes``."""
    total = 0
    with suppress(OSError):  # another process may trim it, too
        ours = filter(_is_ours, cache_folder().glob("*.npz"))
        files = [(path.stat(), path) for path in ours]
        for status, path in sorted(files, key=lambda each: each[0].st_mtime, reverse=True):
            total += max(MIN_FILE_BYTES, status.st_size)
            if total > max_bytes:
                path.unlink()


def checksum(*arrays: NDArray | None) -> str:
    """Return the SHA-256 of types, shapes and values of arrays: 11 ms for a photograph."""
    digest = hashlib.sha256()
    for array in arrays:
        if array is not None:
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def file_states(paths: Iterable[Path]) -> list[str]:
    """Return paths, sizes and times of change of files; nothing of those that are not there."""
    states: list[str] = []
    for path in paths:
        with suppress(OSError):
            found = path.stat()
            times = (found.st_mtime_ns, found.st_ctime_ns)  # a copied file may keep the first
            states += [str(path.resolve()), str(found.st_size), *map(str, times)]
    return states


@cache
def _program() -> str:
    """Return a checksum of the package's code and of the libraries that results depend on."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    libraries = ("numpy", "scipy", "scikit-image", "pillow")
    return " ".join([digest.hexdigest(), *map(version, libraries)])
