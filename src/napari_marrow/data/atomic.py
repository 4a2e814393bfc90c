"""Write files and folders that appear under their name when they are complete, or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.outputs import NEW_FILE, NEW_FOLDER, FileKind, FolderKind, check_outputs

_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}


@contextmanager
def atomic_file(
    path: Path | str,
    kind: FileKind = NEW_FILE,
    inputs: Iterable[Path] = (),
    force: bool = False,
) -> Iterator[Path]:
    """Give a temporary path beside ``path`` to write to; rename it to ``path`` at the end.

    Parent folders are made. Where ``path`` is a link, the file it leads to is written. A file that
    replaces another has its mode. When the block raises, nothing is left and an older file stays.
    The other parameters are those of :func:`~napari_marrow.data.outputs.check_outputs`.

    Raises
    ------
    MarrowError
        When the folder can't be written to, or the file would replace something that has to stay.
    """
    path, inputs = Path(path), tuple(inputs)
    with _explained(path, beginning=True):
        check_outputs({path: kind}, inputs, force)
        path = _target(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
        os.close(handle)
        part = Path(name)
    with _explained(path):
        try:
            yield part
            check_outputs({path: kind}, inputs, force)  # what somebody put there meanwhile
            _set_modes(part, path, 0o666 & ~_umask())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def atomic_folder(
    path: Path | str,
    kind: FolderKind = NEW_FOLDER,
    inputs: Iterable[Path] = (),
    force: bool = False,
) -> Iterator[Path]:
    """Give a temporary folder beside ``path`` to fill; rename it to ``path`` at the end.

    An older folder is replaced once the new one is complete, which has its mode and those of its
    files. Where ``path`` is a link, this is the folder it leads to. The other parameters are those
    of :func:`~napari_marrow.data.outputs.check_outputs`.

    Raises
    ------
    MarrowError
        When the parent folder can't be written to, or something else has that name. Where that
        appeared during the work, the new folder gets another name, which the message says.
    """
    path, inputs = Path(path).absolute(), tuple(inputs)
    with _explained(path, beginning=True):
        check_outputs({path: kind}, inputs, force)
        path = _target(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=path.parent, prefix="."))
    with _explained(path):
        try:
            yield part
            mode = 0o777 & ~_umask()
            try:
                check_outputs({path: kind}, inputs, force)  # what somebody put there meanwhile
            except MarrowError as refusal:
                numbered = (path.with_name(f"{path.stem}-{k}{path.suffix}") for k in count(2))
                kept = next(name for name in numbered if not os.path.lexists(name))
                part.chmod(mode)
                part.rename(kept)
                raise MarrowError(f"{refusal} The finished work is in {kept}.") from refusal
            _set_modes(part, path, mode)
            _swap(part, path)
        finally:
            shutil.rmtree(part, ignore_errors=True)


@contextmanager
def atomic_files(
    out: Path,
    kinds: Mapping[str, FileKind],
    inputs: Iterable[Path] = (),
    force: bool = False,
) -> Iterator[Path]:
    """Give a temporary folder to fill with files; move them into the folder ``out`` at the end.

    Other files of ``out`` stay. When the block raises nothing is left, nor a folder made for it.

    Parameters
    ----------
    out
        The folder; it is made if need be.
    kinds
        Names of all files that may be written, with their kinds.
    inputs, force
        See :func:`~napari_marrow.data.outputs.check_outputs`.

    Raises
    ------
    MarrowError
        When ``out`` can't be written to, or a file would replace something that has to stay.
    """
    inputs = tuple(inputs)
    if out.exists() and not out.is_dir():
        raise MarrowError(f"{out} is a file; choose a folder for the output.")
    new_folders = [path for path in (out, *out.parents) if not path.exists()]
    try:
        with _explained(out, beginning=True):
            check_outputs({out / name: kind for name, kind in kinds.items()}, inputs, force)
            out.mkdir(parents=True, exist_ok=True)
            part = Path(tempfile.mkdtemp(dir=out, prefix="."))
        try:
            with _explained(out, part):
                yield part
                written = [name for name in kinds if (part / name).exists()]
                # what somebody put there meanwhile
                check_outputs({out / name: kinds[name] for name in written}, inputs, force)
                for name in written:
                    with atomic_file(out / name, kinds[name], (), force) as file:
                        shutil.move(part / name, file)  # a link may lead to another disk
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except BaseException:  # Ctrl-C too: a stopped job leaves nothing, and it is raised again
        for path in new_folders:
            with suppress(OSError):  # somebody put something into it
                path.rmdir()
        raise


def _target(path: Path) -> Path:
    """Return what a link leads to; one that leads to nothing is refused elsewhere."""
    return path.resolve() if path.is_symlink() and path.exists() else path


def _set_modes(part: Path, older: Path, mode: int) -> None:
    """Give a new file or folder, and all in it, the modes of what it replaces; else itself one."""
    for new in sorted(part.rglob("*"), reverse=True):
        with suppress(FileNotFoundError, NotADirectoryError):
            shutil.copymode(older / new.relative_to(part), new)
    part.chmod(stat.S_IMODE(older.stat().st_mode) if older.exists() else mode)


def _swap(part: Path, path: Path) -> None:
    """Replace ``path`` by ``part``; the older folder is removed last."""
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
def _explained(
    path: Path, written: Path | None = None, *, beginning: bool = False
) -> Iterator[None]:
    """Raise the system's refusal to write ``path`` as a MarrowError; other errors pass.

    At the beginning nothing but our own work can fail, so every error there is about ``path``.
    Later those are that name ``written``, by default ``path`` and what is hidden beside it.
    """
    try:
        yield
    except OSError as error:
        if not beginning and not _is_about(error, written or path):
            raise
        if isinstance(error, PermissionError):
            reason = "its folder gives no permission; choose another folder"
        elif isinstance(error, NotADirectoryError | FileExistsError):
            reason = "part of that path is a file; choose another name"
        else:
            reason = f"{error.strerror or error}; free some space or choose another folder"
        raise MarrowError(f"{path} can't be written: {reason}.") from error


def _is_about(error: OSError, path: Path) -> bool:
    """Whether an error is of writing to ``path``: of a folder on the way, or a file of ours."""
    if not isinstance(error.filename, str):  # a write to an open file does not name it
        return error.errno in _DISK_ERRORS
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
