"""The files of a bundle: which it lists, whether they are as they were written, what they hold.

Only regular files that ``bundle.json`` lists are read: a link, a pipe or a file that was added is
refused before it is opened.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TypeVar

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.bundle_files import (
    BUNDLE_JSON,
    CARD,
    FEATURES,
    HELDOUT,
    HISTORY,
    ONNX,
    REFERENCE,
    WEIGHTS,
)

T = TypeVar("T")

SCHEMA = 1
FORMAT = "napari-marrow bundle"
MAX_JSON_BYTES = 100_000_000
"""Of a description: about a million photographs."""
MAX_NAME = 200
"""Letters of a file's name."""
READABLE = frozenset({ONNX, HELDOUT, REFERENCE, WEIGHTS, HISTORY, FEATURES, CARD})
"""The files that anything here reads, where they are there."""


def read_description(folder: Path) -> dict:
    """Return the content of ``bundle.json``, of this format and with the right seal.

    Raises
    ------
    MarrowError
        When it is missing, no regular file, too large, of another schema, or altered.
    """
    path = folder / BUNDLE_JSON
    _check_regular(folder, BUNDLE_JSON, "choose a bundle (a .marrow folder)")
    if path.stat().st_size > MAX_JSON_BYTES:
        raise MarrowError(f"{path} is too large for a description; copy the whole bundle again.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        content = content if isinstance(content, dict) else {}
        own_seal = seal(content)
    except (OSError, ValueError, RecursionError) as error:
        raise MarrowError(f"{path} can't be read as JSON; copy the whole bundle again.") from error
    schema = content.get("schema")
    if content.get("format") != FORMAT or type(schema) is not int or schema != SCHEMA:
        raise MarrowError(
            f"{path} is not a bundle of schema {SCHEMA}; "
            "use the version of napari-marrow that made it, or train again."
        )
    if content.get("seal") != own_seal:
        raise MarrowError(f"{path} was altered after training; copy the whole bundle again.")
    return content


def check_files(folder: Path, listed: Mapping[str, object], needed: Collection[str]) -> None:
    """Check that the files of a bundle are all there, regular, listed and not altered.

    Parameters
    ----------
    folder
        The bundle.
    listed
        SHA-256 of each file by its name in the folder.
    needed
        The files without which it can't be used.

    Raises
    ------
    MarrowError
        When one is not, or a name leads outside of the folder.
    """
    added = {name for name in READABLE - listed.keys() if _mode(folder / name) is not None}
    for name in sorted({*needed, *listed, *added}):
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise MarrowError(f"{folder / BUNDLE_JSON} names a file outside of it; don't use it.")
        _check_regular(folder, name)
        if name not in listed:
            raise MarrowError(
                f"{folder / name} is not one of the files that {BUNDLE_JSON} lists; copy the whole "
                "bundle again."
            )
        if sha256(folder / name) != listed[name]:
            raise MarrowError(
                f"{folder / name} was altered after training; copy the whole bundle again."
            )


def read_file(path: Path, parse: Callable[[bytes], T]) -> T:
    """Return what a file of a bundle holds, as ``parse`` makes it of the bytes.

    Raises
    ------
    MarrowError
        When the file is missing or holds something else.
    """
    try:
        return parse(path.read_bytes())
    except Exception as error:  # the kinds of the libraries have nothing else in common
        raise MarrowError(
            f"{path} can't be read or holds something else than it should; copy the whole bundle "
            "again."
        ) from error


def bundle_files(folder: Path) -> dict[str, bool]:
    """Return the files that a bundle lists, and whether they are as they were written.

    There are none of a folder that is no bundle.
    """
    try:
        path = folder / BUNDLE_JSON
        _check_regular(folder, BUNDLE_JSON)
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            return {}
        files = dict(content["files"])
        there = (name for name in files if stat.S_ISREG(_mode(folder / name) or 0))
        states = {name: sha256(folder / name) == files[name] for name in there}
        return {BUNDLE_JSON: content["seal"] == seal(content), **states}
    except (OSError, ValueError, KeyError, TypeError, RecursionError, MarrowError):
        return {}  # some other folder


def seal(content: Mapping[str, object]) -> str:
    """Return the SHA-256 of the content of ``bundle.json`` without its own seal."""
    sealed = {key: value for key, value in content.items() if key != "seal"}
    return hashlib.sha256(json.dumps(sealed, sort_keys=True).encode()).hexdigest()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_regular(folder: Path, name: str, remedy: str = "copy the whole bundle again") -> None:
    """Raise MarrowError where a file, or a folder on the way to it, is a link or something else."""
    parts = Path(name).parts
    modes = [_mode(folder.joinpath(*parts[: k + 1])) for k in range(len(parts))]
    path = folder / (name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}...")
    if any(mode is not None and stat.S_ISLNK(mode) for mode in modes):
        raise MarrowError(f"{path} is a link to another file; copy the whole bundle.")
    if not modes or modes[-1] is None:
        raise MarrowError(f"{path} is missing; {remedy}.")
    if not stat.S_ISREG(modes[-1]):
        raise MarrowError(f"{path} is no file; {remedy}.")


def _mode(path: Path) -> int | None:
    """Return what a path itself is, not what a link leads to; None where nothing is there."""
    try:
        return path.lstat().st_mode
    except (OSError, ValueError):  # also a name that no file can have
        return None
