"""Class folders of any names, SN-AM with or without its outer folder, C-NMC's folds, flat ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.layouts.files import (
    Pile,
    folders_with_images,
    holds_results,
    images_in,
    listed,
    pair,
    sort_out,
)
from napari_marrow.data.layouts.names import KNOWN_CLASSES, can_be_class, is_all_idb
from napari_marrow.data.masks import MaskKind, looks_like_mask

SNAM_FOLDER = "PKG - SN-AM"
SNAM_CLASSES = frozenset({"ALL", "MM"})


def class_folders(folder: Path) -> Collection:
    """Fields of a folder whose sub-folders are classes, or that holds photographs itself.

    The class is the name of the folder next to the photograph, so train/ALL and test/ALL are one
    class; folders below a known class, or below one that holds photographs itself, belong to it.
    Folders of results and of masks are passed over, and so is everything beside ``ALL`` and ``MM``
    where both are there.
    """
    root = folder / SNAM_FOLDER if (folder / SNAM_FOLDER).is_dir() else folder
    found = list(folders_with_images(root))
    top = {sub.relative_to(root).parts[0] for sub in found}
    left: dict[str, list[str]] = {"masks": [], "results": [], "other things": []}
    kept: list[Path] = []
    for sub in found:
        name = sub.relative_to(root)
        if looks_like_mask(sub):
            left["masks"].append(name.as_posix())
        elif holds_results(sub):
            left["results"].append(name.as_posix())
        elif top >= SNAM_CLASSES and name.parts[0] not in SNAM_CLASSES:
            left["other things"].append(name.as_posix())
        else:
            kept.append(sub)
    warnings = [
        f"Folders of {what}, left out: {listed(names)}." for what, names in left.items() if names
    ]
    piles = {root: sort_out(root)} | {sub: sort_out(sub) for sub in kept}
    fields: list[Field] = []
    for sub, pile in piles.items():
        fields += pair(root, _class_of_folder(root, sub, piles), pile, warnings)
    below = [s.relative_to(root).as_posix() for s in kept if s.parent in kept]
    if below:
        warnings.append(f"Folders in a folder of photographs, of its class: {listed(below)}.")
    return Collection(root, tuple(with_all_idb_masks(root, fields)), tuple(warnings))


def _class_of_folder(root: Path, folder: Path, piles: Mapping[Path, Pile]) -> str | None:
    """The class that a folder below ``root`` and those above it tell, or None."""
    above = [p for p in (folder, *folder.parents) if p.is_relative_to(root) and p != root]
    known = [p for p in above if p.name.lower() in KNOWN_CLASSES]
    possible = [p for p in above if can_be_class(p.name)]
    with_photographs = [p for p in possible if p in piles and piles[p].photographs]
    best = known[:1] or with_photographs[-1:] or possible[:1]
    return best[0].name if best else None


def with_all_idb_masks(root: Path, fields: list[Field]) -> list[Field]:
    """Add the masks of ALL-IDB cells, which lie in a folder ``<root>-masks`` beside theirs.

    In them a nucleus is cyan and cytoplasm blue. ``root`` may be one class folder of the set.
    """
    if not fields or not all(is_all_idb(f.name) for f in fields):
        return fields
    roots = [(root, Path()), (root.parent, Path(root.name))]
    beside = [
        top.with_name(f"{top.name}{ending}") / inside
        for top, inside in roots
        for ending in ("-masks", "_masks")
    ]
    folder = next((path for path in beside if path.is_dir()), None)
    if folder is None:
        return fields
    places = [folder, *folders_with_images(folder)]
    masks = {p.relative_to(folder): p for place in places for p in images_in(place)}

    def with_mask(field: Field) -> Field:
        mask = masks.get(field.path.relative_to(root))
        if mask is None:
            return field
        kinds: dict[MaskKind, Path] = {"nucleus": mask, "cytoplasm": mask}
        return dataclasses.replace(field, masks=kinds, mask_code="colours")

    return [with_mask(f) for f in fields]
