"""Class folders of any names, SN-AM with or without its outer folder, C-NMC's folds, flat ones."""

from __future__ import annotations

import dataclasses
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
from napari_marrow.data.layouts.names import is_all_idb
from napari_marrow.data.masks import MaskKind, looks_like_mask

SNAM_FOLDER = "PKG - SN-AM"
SNAM_CLASSES = frozenset({"ALL", "MM"})


def class_folders(folder: Path) -> Collection:
    """Fields of a folder whose sub-folders are classes, or that holds photographs itself.

    The class is the name of the folder next to the photograph, so train/ALL and test/ALL are one
    class. Folders of results and of masks are passed over, and so is everything beside ``ALL`` and
    ``MM`` where both are there.
    """
    root = folder / SNAM_FOLDER if (folder / SNAM_FOLDER).is_dir() else folder
    piles: list[tuple[str | None, Pile]] = [(None, sort_out(root))]
    found = list(folders_with_images(root))
    direct = {sub.name for sub in found if sub.parent == root}
    passed: dict[str, list[str]] = {"masks": [], "results": [], "other things": []}
    for sub in found:
        name = sub.relative_to(root).as_posix()
        if looks_like_mask(sub):
            passed["masks"].append(name)
        elif holds_results(sub):
            passed["results"].append(name)
        elif direct >= SNAM_CLASSES and sub.name not in SNAM_CLASSES:
            passed["other things"].append(name)
        else:
            piles.append((sub.name, sort_out(sub)))
    warnings = [
        f"Folders of {what}, left out: {listed(names)}." for what, names in passed.items() if names
    ]
    fields: list[Field] = []
    for class_name, pile in piles:
        fields += pair(root, class_name, pile, warnings)
    others = sum(pile.others for _, pile in piles)
    if others:
        warnings.append(f"{others} files are no images and were passed over.")
    return Collection(root, tuple(with_all_idb_masks(root, fields)), tuple(warnings))


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
