"""Writing that is all or nothing: files and folders appear under their name when complete."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from napari_marrow.data.errors import MarrowError

_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}


@contextmanager
def atomic_file(path: Path | str) -> Iterator[Path]:
    """Give a temporary path beside ``path`` to write to; rename it to ``path`` at the end.

    Parent folders are made. When the block raises, nothing is left and an older file stays.

    Raises
    ------
    MarrowError
        When the folder can't be written to, or ``path`` is a folder.
    """
    path = Path(path)
    with _explained(path, beginning=True):
        if path.is_dir():
            raise MarrowError(f"{path} is a folder; choose the name of a file for the output.")
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
        os.close(handle)
        part = Path(name)
    with _explained(path):
        try:
            yield part
            part.chmod(0o666 & ~_umask())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path | str, owned: Container[str] = ()) -> Iterator[Path]:
    """Give a temporary folder beside ``path`` to fill; rename it to ``path`` at the end.

    Parameters
    ----------
    path
        The folder to make.
    owned
        Names of all that such a folder may hold. An older folder is replaced, once the new one is
        complete, when there is nothing else in it; anything else of that name is left alone.

    Raises
    ------
    MarrowError
        When the parent folder can't be written to, or something else bears that name.
    """
    path = Path(path).absolute()
    with _explained(path, beginning=True):
        if path.exists() and not _replaceable(path, owned):
            raise MarrowError(
                f"{path} is there already and holds something else; "
                "choose another name for the output."
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=path.parent, prefix="."))
    with _explained(path):
        try:
            yield part
            part.chmod(0o777 & ~_umask())
            _swap(part, path)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def place_new(folder: Path, out: Path, names: Sequence[str]) -> None:
    """Move files from a temporary folder into another on the same disk, all or none of them.

    Renaming alone would replace a file that somebody put there meanwhile. So every name is taken
    first by a new empty file, which the system gives to one program only.

    Raises
    ------
    MarrowError
        When there is a file of one of these names; it stays.
    """
    ours: list[Path] = []
    try:
        for path in (out / name for name in names):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            ours.append(path)
        for name in names:
            os.replace(folder / name, out / name)
    except BaseException as error:
        for path in ours:
            path.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            raise MarrowError(
                f"{error.filename} is there already, perhaps somebody's own work; "
                "remove it, or choose another folder."
            ) from error
        raise


def _replaceable(path: Path, owned: Container[str]) -> bool:
    return path.is_dir() and all(entry.name in owned for entry in path.iterdir())


def _swap(part: Path, path: Path) -> None:
    """Put ``part`` in the place of ``path``; what stood there is removed last."""
    if not path.exists():
        part.rename(path)
        return
    old = Path(tempfile.mkdtemp(dir=path.parent, prefix="."))
    path.rename(old / path.name)
    try:
        part.rename(path)
    except OSError:
        (old / path.name).rename(path)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _explained(path: Path, *, beginning: bool = False) -> Iterator[None]:
    """Turn the system's refusal to write to ``path`` into a sentence; other errors pass.

    At the beginning nothing but our own work can fail, so every error there is about ``path``.
    """
    try:
        yield
    except OSError as error:
        if not beginning and not _is_about(error, path):
            raise
        if isinstance(error, PermissionError):
            why = "its folder gives no permission; choose another folder"
        elif isinstance(error, NotADirectoryError | FileExistsError):
            why = "part of that path is a file; choose another name"
        else:
            why = f"{error.strerror or error}; free some space or choose another folder"
        raise MarrowError(f"{path} can't be written: {why}.") from error


def _is_about(error: OSError, path: Path) -> bool:
    """Whether an error is of writing to ``path``: of a folder on the way, or a file of ours."""
    if not isinstance(error.filename, str):  # a write to an open file does not name it
        return error.errno in _OF_THE_DISK
    parent, name = path.parent.resolve(), Path(error.filename).resolve()
    if parent.is_relative_to(name):
        return True
    if isinstance(error, FileNotFoundError) or not name.is_relative_to(parent):
        return False
    first = name.relative_to(parent).parts[0]
    return first.startswith(".") or first == path.name


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
