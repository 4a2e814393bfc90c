"""Class folders of any names, SN-AM with or without its outer folder, C-NMC's folds, flat ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection as Many
from collections.abc import Mapping
from pathlib import Path

from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.layouts.listing import (
    FolderFiles,
    fields_of_files,
    folders_with_images,
    holds_results,
    images_in,
    listed,
    sort_files,
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
    names = {sub: sub.relative_to(root).as_posix() for sub in found}
    top = {name.partition("/")[0] for name in names.values()}
    snam = root.name == SNAM_FOLDER and top >= KNOWN_CLASSES
    left: dict[str, list[str]] = {"masks": [], "results": [], "other things": []}
    kept: list[Path] = []
    for sub in found:
        if looks_like_mask(sub):
            left["masks"].append(names[sub])
        elif holds_results(sub):
            left["results"].append(names[sub])
        elif snam and names[sub].partition("/")[0] not in KNOWN_CLASSES:
            left["other things"].append(names[sub])
        else:
            kept.append(sub)
    warnings = [
        f"Folders of {what}, left out: {listed(passed)}." for what, passed in left.items() if passed
    ]
    files = {sub: sort_files(sub) for sub in (root, *kept) if sub not in taken}
    classes = {sub: _class_of_folder(root, sub, files) for sub in files}
    fields: list[Field] = []
    for sub in files:
        fields += fields_of_files(root, classes[sub], files[sub], warnings)
    bare = [names[sub] for sub in kept if files[sub].photographs]
    if len(bare) > 1 and not taken and not any(f.class_name for f in fields):
        warnings.append(f"No field has a class: no name of a folder can be one ({listed(bare)}).")
    below = [names[s] for s in kept if classes[s] not in (None, class_of_folder_name(s.name))]
    if below:
        warnings.append(f"Folders taken for part of the class above them: {listed(below)}.")
    above = dict.fromkeys(p for s in kept for p in _possible_classes_above(root, s, classes[s]))
    if len(above) > 1:  # one alone is what the set is called
        passed = listed([p.relative_to(root).as_posix() for p in above])
        warnings.append(
            f"Folders that could be classes too, but have classes below them: {passed}."
        )
    return Collection(root, tuple(with_all_idb_masks(root, fields)), tuple(warnings))


def snam_root(folder: Path) -> Path:
    """Return the folder itself, or the folder of SN-AM in it, where nothing else has images."""
    inner = folder / SNAM_FOLDER
    if not inner.is_dir() or images_in(folder):
        return folder
    others = (sub for sub in folders_with_images(folder) if not sub.is_relative_to(inner))
    return folder if any(not looks_like_mask(s) and not holds_results(s) for s in others) else inner


def _upwards(root: Path, folder: Path) -> list[Path]:
    """Return the folder and those above it, below ``root``."""
    return [p for p in (folder, *folder.parents) if p.is_relative_to(root) and p != root]


def _class_of_folder(root: Path, folder: Path, files: Mapping[Path, FolderFiles]) -> str | None:
    """Return the class by the name of a folder, or of one above it; None for ``root`` itself.

    In this order: ``ALL`` or ``MM``; a folder above that holds photographs itself; the innermost
    name that can be a class. Of names in other scripts it is not known whether they mean a patient
    or pictures, so those count only where no folder above can be a class.
    """
    known = [p for p in _upwards(root, folder) if p.name in KNOWN_CLASSES]
    able = [p for p in _upwards(root, folder) if class_of_folder_name(p.name)]
    # "patients" is a class beside "controls", and in a class it is what that consists of
    able = [p for p in able if not is_group(p.name)] or able
    possible = [p for p in able if is_understood(p.name) or p == able[-1]]
    holding = [p for p in possible if p != folder and p in files and files[p].photographs]
    best = known[:1] or holding[-1:] or possible[:1]
    return class_of_folder_name(best[0].name) if best else None


def _possible_classes_above(root: Path, folder: Path, class_name: str | None) -> list[Path]:
    """Return the folders above the one that gave the class whose names could be classes too."""
    if class_name in KNOWN_CLASSES:
        return []
    folders = _upwards(root, folder)
    place = next((k for k, p in enumerate(folders) if p.name == class_name), len(folders))
    return [p for p in folders[place + 1 :] if can_be_class(p.name) and not is_group(p.name)]


def with_all_idb_masks(root: Path, fields: list[Field]) -> list[Field]:
    """Add the masks of ALL-IDB cells, which lie in a folder ``<folder>-masks`` beside theirs.

    In them a nucleus is cyan and cytoplasm blue. ``root`` may be one class folder of the set, or
    lie above it.
    """
    return [_with_all_idb_mask(root, f) if is_all_idb(f.name) else f for f in fields]


def _with_all_idb_mask(root: Path, field: Field) -> Field:
    for top in (p for p in field.path.parents if p.is_relative_to(root.parent) and p.name):
        for ending in ("-masks", "_masks"):
            mask = top.with_name(f"{top.name}{ending}") / field.path.relative_to(top)
            if mask.is_file():
                kinds: dict[MaskKind, Path] = {"nucleus": mask, "cytoplasm": mask}
                return dataclasses.replace(field, masks=kinds, mask_code="colours")
    return field
