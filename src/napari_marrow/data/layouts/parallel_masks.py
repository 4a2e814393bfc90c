"""Masks in a folder beside that of their photographs, under the same path.

``masks/ALL/1.png`` is of ``images/ALL/1.png``, and ``ALL_masks/1.png`` of ``ALL/1.png``.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from napari_marrow.data.fields import Field
from napari_marrow.data.layouts.listing import images_in, subfolders
from napari_marrow.data.masks import MaskKind, looks_like_mask, mask_kind
from napari_marrow.data.text import folded

PHOTOGRAPH_FOLDERS = ("x", "images", "imgs", "img", "photographs")
_ENDING = re.compile(r"[_\- ]masks?$")


def with_parallel_masks(root: Path, fields: Iterable[Field]) -> list[Field]:
    """Add the masks of fields that have none; of ``masks``, whose name has no kind, of nuclei.

    ``root`` may be the folder of the photographs itself, or one class folder in it.
    """
    folders, files = cache(_mask_folders), cache(_mask_files)
    found = []
    for f in fields:
        masks: dict[MaskKind, Path] = {}
        tops = [] if f.mask_files else [p for p in f.path.parents if p.is_relative_to(root.parent)]
        for top in tops:
            for folder, kind in folders(top):
                place = folder / f.path.parent.relative_to(top)
                masks = files(place, kind).get(folded(f.path.stem), {}) | masks
        found.append(dataclasses.replace(f, masks=masks) if masks else f)
    return found


def _mask_folders(top: Path) -> list[tuple[Path, MaskKind]]:
    """Return the folders beside one that are of its masks by their names, and of which kind."""
    owners = {folded(top.name), *([""] if folded(top.name) in PHOTOGRAPH_FOLDERS else [])}
    found = []
    for folder in filter(looks_like_mask, subfolders(top.parent)):
        owner, kind = _owner(folded(folder.name))
        if owner in owners and folder != top:
            found.append((folder, kind))
    return found


def _mask_files(folder: Path, kind: MaskKind) -> dict[str, dict[MaskKind, Path]]:
    """Return the masks of a folder by the stem of their photograph, folded, and by kind."""
    found: dict[str, dict[MaskKind, Path]] = defaultdict(dict)
    for path in images_in(folder):
        stem, own_kind = mask_kind(path) or (_ENDING.sub("", path.stem.lower()), kind)
        found[folded(stem)].setdefault(own_kind, path)
    return found


def _owner(name: str) -> tuple[str, MaskKind]:
    """Return whose masks a folder of this name has, "" where it does not tell, and their kind."""
    named = f"of_{name}"  # "nucleus_masks" begins with the kind
    stem, kind = mask_kind(Path(named)) or (_ENDING.sub("", named), "nucleus")
    return stem.removeprefix("of").removeprefix("_"), kind
