"""The photographs that a table names, looked for where it lies and below."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from napari_marrow.data.file_index import FileIndex, are_folders_other, in_one_folder
from napari_marrow.data.images import is_image_name
from napari_marrow.data.layouts.listing import folders_with_images, sort_files
from napari_marrow.data.masks import looks_like_mask


def find_photographs(root: Path, names: list[str]) -> list[list[Path]]:
    """Find the files that a table names: none where it is not there, several if it is not clear.

    Looked for in the folders that the names have, then in all below. No file is found by names with
    different folders.
    """
    paths = [_as_written(root, name) for name in names]
    if any(len(own) != 1 for own in paths):
        parents = {(root / name.replace("\\", "/")).parent for name in names}
        paths = _look_up(root, {root, *filter(Path.is_dir, parents)}, names, paths)
    if any(len(own) != 1 for own in paths):
        below = (p for p in folders_with_images(root) if not looks_like_mask(p))
        paths = _look_up(root, {root, *below}, names, paths)
    relative = [_below(root, own[0]) if len(own) == 1 else None for own in paths]
    meant = in_one_folder(names, relative)
    paths = [
        own if is_meant or len(own) > 1 else [] for own, is_meant in zip(paths, meant, strict=True)
    ]
    exact = {own[0] for name, own in zip(names, paths, strict=True) if not _is_other(name, own)}
    return [
        [] if _is_other(name, own) and exact.intersection(own[:1]) else own
        for name, own in zip(names, paths, strict=True)
    ]


def _is_other(name: str, found: list[Path]) -> bool:
    """Whether a photograph in another format was found than a table names, or not just one."""
    if len(found) != 1:
        return True
    return is_image_name(Path(name)) and Path(name).suffix.lower() != found[0].suffix.lower()


def _as_written(root: Path, name: str) -> list[Path]:
    spellings = (root / name, root / name.replace("\\", "/"))
    return [p for p in spellings if p.is_file()][:1]


def in_other_folders(root: Path, names: list[str], paths: list[Path | None]) -> list[str]:
    """Return the names of a table whose folders are not those of the files found."""
    both = zip(names, paths, strict=True)
    return [name for name, p in both if p and are_folders_other(name, _below(root, p))]


def _below(root: Path, path: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()


def _look_up(
    root: Path, folders: Iterable[Path], names: list[str], paths: list[list[Path]]
) -> list[list[Path]]:
    """Replace what is not one file by the photographs in the folders that the table may mean."""
    photographs = [p for folder in folders for p in sort_files(folder).photographs]
    index = FileIndex({_below(root, p): p for p in photographs})
    return [own if len(own) == 1 else index.find(n) for n, own in zip(names, paths, strict=True)]
