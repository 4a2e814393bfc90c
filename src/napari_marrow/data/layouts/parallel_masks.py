"""Masks in another folder than their photographs, under the same path.

``masks/ALL/1.png`` is of ``images/ALL/1.png`` or ``ALL/1.png``; ``ALL/masks/1.png`` and
``ALL_masks/1.png`` are of ``ALL/1.png``.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from napari_marrow.data.fields import Field
from napari_marrow.data.layouts.listing import holds_results, images_in, subfolders
from napari_marrow.data.mask_codes import MaskCode, MaskKind, kinds_of
from napari_marrow.data.masks import looks_like_mask, mask_kind, shared_code
from napari_marrow.data.text import folded

PHOTOGRAPH_FOLDERS = ("x", "images", "imgs", "img", "photographs")
_ENDING = re.compile(r"[_\- ]masks?$")


@dataclasses.dataclass(frozen=True)
class _MaskFolder:
    """A folder of masks; of which kind and whose by its name, if it tells that."""

    path: Path
    kind: MaskKind | None
    is_named_for: bool


def with_parallel_masks(root: Path, fields: Iterable[Field]) -> list[Field]:
    """Add the masks of fields that have none.

    Where the folder's name has no kind, their pixels tell whether they are of nuclei alone, or of
    cytoplasm too. Where it does not tell whose they are, only one photograph may be meant. ``root``
    may be the folder of the photographs itself, or one class folder in it.
    """
    inside, files, stems = cache(subfolders), cache(_mask_files), cache(_stems)

    @cache
    def folders(top: Path) -> list[_MaskFolder]:
        return _mask_folders(top, [*inside(top.parent), *inside(top)])

    @cache
    def places(top: Path) -> list[Path]:
        return [top, *(p for p in inside(top) if not (looks_like_mask(p) or holds_results(p)))]

    def is_only_one(masks: Path, below: Path, stem: str) -> bool:
        return sum(stem in stems(place / below) for place in places(masks.parent)) == 1

    found = []
    for f in fields:
        masks: dict[MaskKind, Path] = {}
        code: MaskCode = "white"
        stem = folded(f.path.stem)
        tops = [] if f.mask_files else [p for p in f.path.parents if p.is_relative_to(root.parent)]
        for top in tops:
            below = f.path.parent.relative_to(top)
            for folder in folders(top):
                of_stem, own_code = files(folder.path / below, folder.kind)
                own = of_stem.get(stem, {})
                if own and (folder.is_named_for or is_only_one(folder.path, below, stem)):
                    code = code if masks else own_code
                    masks = own | masks if code == own_code else masks
        found.append(dataclasses.replace(f, masks=masks, mask_code=code) if masks else f)
    return found


def _mask_folders(top: Path, near: list[Path]) -> list[_MaskFolder]:
    """Return those of the folders beside one and in it that may be of its masks by their names."""
    owners = {folded(top.name), *([""] if folded(top.name) in PHOTOGRAPH_FOLDERS else [])}
    found = []
    for folder in filter(looks_like_mask, near):
        owner, kind = _owner(folded(folder.name))
        if owner in ("", *owners) and folder != top:
            found.append(_MaskFolder(folder, kind, owner in owners))
    return sorted(found, key=lambda folder: not folder.is_named_for)


def _stems(folder: Path) -> set[str]:
    return {folded(path.stem) for path in images_in(folder)}


def _mask_files(
    folder: Path, kind: MaskKind | None
) -> tuple[dict[str, dict[MaskKind, Path]], MaskCode]:
    """Return the masks of a folder by stem of the photograph, folded, and kind; and their code."""
    found: dict[str, dict[MaskKind, Path]] = defaultdict(dict)
    paths = images_in(folder)
    named = {path: known for path in paths if (known := mask_kind(path))}
    code = shared_code([p for p in paths if p not in named]) if kind is None else "white"
    for path in paths:
        stem, own = named.get(path, (_ENDING.sub("", path.stem.lower()), kind))
        for each in (own,) if own else kinds_of(code):
            found[folded(stem)].setdefault(each, path)
    return found, code


def _owner(name: str) -> tuple[str, MaskKind | None]:
    """Return whose masks a folder of this name has, "" where it does not tell, and their kind."""
    named = f"of_{name}"  # "nucleus_masks" begins with the kind
    stem, kind = mask_kind(Path(named)) or (_ENDING.sub("", named), None)
    return stem.removeprefix("of").removeprefix("_"), kind
