"""Class folders of any names, SN-AM with or without its outer folder, C-NMC's folds, flat ones."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.layouts.files import (
    Pile,
    folders_with_images,
    holds_results,
    listed,
    pair,
    sort_out,
)
from napari_marrow.data.layouts.names import KNOWN_CLASSES, can_be_class, is_all_idb
from napari_marrow.data.masks import MaskKind, looks_like_mask

SNAM_FOLDER = "PKG - SN-AM"


def class_folders(folder: Path) -> Collection:
    """Fields of a folder whose sub-folders are classes, or that holds photographs itself.

    Which folder names the class: see :func:`classes_of_folders`. Folders of results and of masks
    are passed over, and in ``PKG - SN-AM`` so is everything beside ``ALL`` and ``MM``.
    """
    root = snam_root(folder)
    found = list(folders_with_images(root))
    top = {sub.relative_to(root).parts[0] for sub in found}
    snam = root.name == SNAM_FOLDER and top >= KNOWN_CLASSES
    left: dict[str, list[str]] = {"masks": [], "results": [], "other things": []}
    kept: list[Path] = []
    for sub in found:
        name = sub.relative_to(root)
        if looks_like_mask(sub):
            left["masks"].append(name.as_posix())
        elif holds_results(sub):
            left["results"].append(name.as_posix())
        elif snam and name.parts[0] not in KNOWN_CLASSES:
            left["other things"].append(name.as_posix())
        else:
            kept.append(sub)
    warnings = [
        f"Folders of {what}, left out: {listed(names)}." for what, names in left.items() if names
    ]
    piles = {root: sort_out(root)} | {sub: sort_out(sub) for sub in kept}
    classes = classes_of_folders(root, piles)
    fields: list[Field] = []
    for sub, pile in piles.items():
        fields += pair(root, classes[sub], pile, warnings)
    below = [s.relative_to(root).as_posix() for s in kept if classes[s] not in (None, s.name)]
    below = [name for name in below if can_be_class(Path(name).name)]
    if below:
        warnings.append(f"Folders taken for part of the class above them: {listed(below)}.")
    return Collection(root, tuple(with_all_idb_masks(root, fields)), tuple(warnings))


def snam_root(folder: Path) -> Path:
    """The folder itself, or the folder of SN-AM in it."""
    return folder / SNAM_FOLDER if (folder / SNAM_FOLDER).is_dir() else folder


def classes_of_folders(root: Path, piles: Mapping[Path, Pile]) -> dict[Path, str | None]:
    """The class that the name of each folder, or of one above it, tells; None for ``root`` itself.

    In this order: ``ALL`` or ``MM``; a folder above that holds photographs itself; the first folder
    below ``root``, where those below are its patients or slides; else the folder's own name. Names
    that say how data are kept or used are no classes.
    """
    above = {
        sub: [p for p in (sub, *sub.parents) if p.is_relative_to(root) and p != root]
        for sub in piles
    }
    possible = {sub: [p for p in ways if can_be_class(p.name)] for sub, ways in above.items()}
    by_patient = _are_patients([ways for ways in possible.values() if ways])
    classes: dict[Path, str | None] = {}
    for sub, ways in possible.items():
        known = [p for p in above[sub] if p.name in KNOWN_CLASSES]
        holding = [p for p in ways if p != sub and p in piles and piles[p].photographs]
        named = ways[-1:] if by_patient else ways[:1]
        best = known[:1] or holding[-1:] or named
        classes[sub] = best[0].name if best else None
    return classes


def _are_patients(ways: list[list[Path]]) -> bool:
    """Whether the innermost folders are parts of classes, not classes: ``AML/patient 1``.

    Classes come again below several folders (``lab 1/AML``, ``lab 2/AML``) and carry no number.
    """
    tops: dict[str, set[str]] = {}
    for inner, *_, top in ([*way, way[-1]] for way in ways):
        if inner != top:
            tops.setdefault(inner.name, set()).add(top.name)
    if len({way[-1] for way in ways}) < 2 or not tops:
        return False
    numbered = all(re.search(r"\d", name) for name in tops)
    return numbered or all(len(names) == 1 for names in tops.values())


def with_all_idb_masks(root: Path, fields: list[Field]) -> list[Field]:
    """Add the masks of ALL-IDB cells, which lie in a folder ``<folder>-masks`` beside theirs.

    In them a nucleus is cyan and cytoplasm blue. ``root`` may be one class folder of the set, or
    lie above it.
    """
    return [_with_all_idb_mask(root, f) if is_all_idb(f.name) else f for f in fields]


def _with_all_idb_mask(root: Path, field: Field) -> Field:
    tops = [p for p in field.path.parents if p.is_relative_to(root.parent) and p.name]
    for top in tops:
        for ending in ("-masks", "_masks"):
            mask = top.with_name(f"{top.name}{ending}") / field.path.relative_to(top)
            if mask.is_file():
                kinds: dict[MaskKind, Path] = {"nucleus": mask, "cytoplasm": mask}
                return dataclasses.replace(field, masks=kinds, mask_code="colours")
    return field
