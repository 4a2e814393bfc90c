"""Class folders of any names, SN-AM with or without its outer folder, C-NMC's folds, flat ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection as Many
from collections.abc import Mapping
from pathlib import Path

from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.layouts.listing import (
    Pile,
    folders_with_images,
    holds_results,
    images_in,
    listed,
    pair,
    sort_out,
)
from napari_marrow.data.layouts.names import (
    KNOWN_CLASSES,
    can_be_class,
    class_of_folder_name,
    is_all_idb,
    is_group,
    is_understood,
)
from napari_marrow.data.masks import MaskKind, looks_like_mask

SNAM_FOLDER = "PKG - SN-AM"


def class_folders(folder: Path, taken: Many[Path] = ()) -> Collection:
    """Fields of a folder whose sub-folders are classes, or that holds photographs itself.

    Which folder names the class: see :func:`_class_of_folder`. Folders of results and of masks are
    passed over, and in ``PKG - SN-AM`` so is everything beside ``ALL`` and ``MM``.

    Parameters
    ----------
    folder
        Where to look.
    taken
        Folders that another layout has read already.
    """
    root = snam_root(folder)
    found = [sub for sub in folders_with_images(root) if sub not in taken]
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
    piles = {sub: sort_out(sub) for sub in (root, *kept) if sub not in taken}
    classes = {sub: _class_of_folder(root, sub, piles) for sub in piles}
    fields: list[Field] = []
    for sub, pile in piles.items():
        fields += pair(root, classes[sub], pile, warnings)
    bare = [s.relative_to(root).as_posix() for s in kept if piles[s].photographs]
    if len(bare) > 1 and not taken and not any(f.class_name for f in fields):
        warnings.append(f"No field has a class: no name of a folder can be one ({listed(bare)}).")
    below = [
        s.relative_to(root).as_posix()
        for s in kept
        if classes[s] not in (None, class_of_folder_name(s.name))
    ]
    if below:
        warnings.append(f"Folders taken for part of the class above them: {listed(below)}.")
    above = dict.fromkeys(p for s in kept for p in _passed_by(root, s, classes[s]))
    if len(above) > 1:  # one alone is what the set is called
        names = listed([p.relative_to(root).as_posix() for p in above])
        warnings.append(f"Folders that could be classes too, but have classes below them: {names}.")
    return Collection(root, tuple(with_all_idb_masks(root, fields)), tuple(warnings))


def snam_root(folder: Path) -> Path:
    """The folder itself, or the folder of SN-AM in it, where nothing else in it has images."""
    inner = folder / SNAM_FOLDER
    if not inner.is_dir() or images_in(folder):
        return folder
    others = (sub for sub in folders_with_images(folder) if not sub.is_relative_to(inner))
    return folder if any(not looks_like_mask(s) and not holds_results(s) for s in others) else inner


def _class_of_folder(root: Path, folder: Path, piles: Mapping[Path, Pile]) -> str | None:
    """The class that the name of a folder, or of one above it, tells; None for ``root`` itself.

    In this order: ``ALL`` or ``MM``; a folder above that holds photographs itself; the innermost
    name that can be a class. Of names in other scripts nobody knows here whether they mean a
    patient or pictures, so those count only where no folder above can be a class.
    """
    ways = [p for p in (folder, *folder.parents) if p.is_relative_to(root) and p != root]
    known = [p for p in ways if p.name in KNOWN_CLASSES]
    able = [p for p in ways if class_of_folder_name(p.name)]
    # "patients" is a class beside "controls", and in a class it is what that consists of
    able = [p for p in able if not is_group(p.name)] or able
    possible = [p for p in able if is_understood(p.name) or p == able[-1]]
    holding = [p for p in possible if p != folder and p in piles and piles[p].photographs]
    best = known[:1] or holding[-1:] or possible[:1]
    return class_of_folder_name(best[0].name) if best else None


def _passed_by(root: Path, folder: Path, class_name: str | None) -> list[Path]:
    """The folders above the one that gave the class of which the names could be classes too."""
    ways = [p for p in (folder, *folder.parents) if p.is_relative_to(root) and p != root]
    place = next((k for k, p in enumerate(ways) if p.name == class_name), len(ways))
    if class_name in KNOWN_CLASSES:
        return []
    return [p for p in ways[place + 1 :] if can_be_class(p.name) and not is_group(p.name)]


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
