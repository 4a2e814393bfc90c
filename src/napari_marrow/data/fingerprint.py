"""A fingerprint of a file's content that is quick to take: its size and blocks spread over it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from napari_marrow.data.cache import file_states

N_BLOCKS = 16
BLOCK_BYTES = 4096


def fingerprint(path: Path, state: Sequence[str] = ()) -> str:
    """Return the fingerprint of a file, taken once a state; '' where it can't be read.

    Parameters
    ----------
    path
        The file; or the name of a product below it, which the fingerprint then ends with.
    state
        What :func:`.file_states` returned of it earlier; of a file that was changed since then,
        and before its fingerprint was taken, it can't be told.
    """
    made = not state and not path.is_file() and path.parent.is_file()
    file, name = (path.parent, f" {path.name}") if made else (path, "")
    with suppress(OSError):
        return _fingerprint(file, tuple(state) or tuple(file_states([file]))) + name
    return ""


@cache
def _fingerprint(path: Path, state: tuple[str, ...]) -> str:
    if not state or tuple(file_states([path])) != state:
        raise FileNotFoundError(path)
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        last = max(0, size - BLOCK_BYTES)
        for place in dict.fromkeys(last * k // (N_BLOCKS - 1) for k in range(N_BLOCKS)):
            file.seek(place)
            digest.update(file.read(BLOCK_BYTES))
    return f"{size}-{digest.hexdigest()[:32]}"
