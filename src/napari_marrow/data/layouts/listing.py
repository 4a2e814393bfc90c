"""What lies in a folder: photographs, masks by photograph's stem, and what is neither."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.images import is_image_name
from napari_marrow.data.layouts.names import class_of_name, is_all_idb, source_of_name
from napari_marrow.data.masks import (
    MaskKind,
    has_labels_mark,
    holds_levels,
    looks_like_mask,
    mask_kind,
)

DEEPEST = 8
"""Folders below folders that are looked into. C-NMC has ``C-NMC_training_data/fold_0/all``, and
whoever unpacks each part into a folder of its own has more; links may lead in circles."""
_RESULTS = re.compile(
    r"(?:^|[^a-z])(?:results?|outputs?|overlays?|predictions?|figures?|plots?|reports?|truth"
    r"|models?)(?:$|[^a-z])|^out$",
    re.IGNORECASE,
)


@dataclass
class Pile:
    """The files of one folder."""

    photographs: list[Path] = field(default_factory=list)
    masks: dict[str, dict[MaskKind, Path]] = field(default_factory=lambda: defaultdict(dict))
    unknown_masks: list[Path] = field(default_factory=list)
    levels: set[str] = field(default_factory=set)
    """Stems of which one file holds both masks, as in sets of white blood cells."""


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, in the order people expect: ``ALL_2`` before ``ALL_10``.

    A folder that may not be read is as good as empty; :func:`passed_over` names it.
    """
    try:
        names = [n for n in os.listdir(folder) if not n.startswith(".")]
    except OSError:
        return []
    return [folder / name for name in sorted(names, key=natural_key)]


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sorting key that reads the numbers in a name as numbers."""
    parts = re.findall(r"\d+|\D+", name.lower())
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts]


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, but for links that lead back to it or above, or nowhere."""
    here = folder.resolve()
    return [
        path
        for path in entries(folder)
        if os.path.isdir(path) and not (path.is_symlink() and here.is_relative_to(path.resolve()))
    ]


def images_in(folder: Path) -> list[Path]:
    """The files of a folder that have an image's name, masks included."""
    return [p for p in entries(folder) if is_image_name(p) and os.path.isfile(p)]


def holds_results(folder: Path) -> bool:
    """Whether a folder holds what a program wrote (pictures of results are no photographs)."""
    made = folder.suffix == ".marrow" or (folder / "bundle.json").exists()
    return made or bool(_RESULTS.search(folder.name))


def folders_with_images(root: Path, depth: int = DEEPEST) -> Iterator[Path]:
    """Folders below ``root`` that hold images themselves, each before those below it.

    Below folders of results and of masks nothing is looked for, nor in a link to a folder above.
    """
    for sub in folders_in(root):
        if images_in(sub):
            yield sub
        if depth > 1 and not holds_results(sub) and not looks_like_mask(sub):
            yield from folders_with_images(sub, depth - 1)


def sort_out(folder: Path) -> Pile:
    """Tell the photographs of a folder from its masks by their names."""
    pile = Pile()
    for path in entries(folder):
        if not is_image_name(path) or not os.path.isfile(path) or has_labels_mark(path):
            continue
        if found := mask_kind(path):
            stem, kind = found
            pile.masks[stem][kind] = path
        elif looks_like_mask(path):
            pile.unknown_masks.append(path)
        else:
            pile.photographs.append(path)
    _spell_alike(pile)
    _levels_beside(pile)
    return pile


def joined(root: Path, parts: Iterable[Collection]) -> Collection:
    """Several collections as one, in their order."""
    fields: list[Field] = []
    warnings: list[str] = []
    tables: list[Path] = []
    for part in parts:
        fields += part.fields
        warnings += part.warnings
        tables += part.tables
    return Collection(root, tuple(fields), tuple(warnings), tuple(tables))


def pair(root: Path, class_name: str | None, pile: Pile, warnings: list[str]) -> list[Field]:
    """Fields of the photographs of a pile with the masks of the same stem."""
    fields = [
        Field(
            path=path,
            name=path.stem,
            source=source_of_name(path.relative_to(root)),
            class_name=_class_of(path.stem, class_name),
            masks=pile.masks.get(path.stem, {}),
            mask_code="levels" if path.stem in pile.levels else "white",
        )
        for path in pile.photographs
    ]
    stems = {path.stem for path in pile.photographs}
    orphans = [
        p.name for stem in pile.masks if stem not in stems for p in pile.masks[stem].values()
    ]
    if orphans:
        warnings.append(f"Masks without their photograph, left out: {listed(orphans)}.")
    if pile.unknown_masks:
        names = listed([p.name for p in pile.unknown_masks])
        warnings.append(f"Masks of which the name does not tell the kind, left out: {names}.")
    return fields


def _spell_alike(pile: Pile) -> None:
    """Give masks of ``mm_1`` to ``MM_1``, where no other photograph may be meant."""
    spellings: dict[str, set[str]] = defaultdict(set)
    for path in pile.photographs:
        spellings[path.stem.casefold()].add(path.stem)
    for stem in list(pile.masks):
        meant = spellings[stem.casefold()]
        if stem not in meant and len(meant) == 1:
            (photograph,) = meant
            pile.masks[photograph] = {**pile.masks.pop(stem), **pile.masks[photograph]}


def _levels_beside(pile: Pile) -> None:
    """Take ``001.png`` for the masks of ``001.bmp`` where its pixels are those of masks.

    White blood cells that somebody sorted into class folders have no table that would tell them.
    """
    bmps = {p.stem for p in pile.photographs if p.suffix.lower() == ".bmp"} - set(pile.masks)
    for path in list(pile.photographs):
        if path.stem in bmps and path.suffix.lower() == ".png" and holds_levels(path):
            pile.photographs.remove(path)
            pile.masks[path.stem] = {"nucleus": path, "cytoplasm": path}
            pile.levels.add(path.stem)


def _class_of(stem: str, folder: str | None) -> str | None:
    """The folder's name, but in ALL-IDB what the name says: its folder may be ``img``."""
    return class_of_name(stem) if is_all_idb(stem) else folder or class_of_name(stem)


def passed_over(root: Path, used: set[Path]) -> list[str]:
    """Sentences that count the files below ``root`` which are not among the ``used`` ones.

    Hidden folders are not looked into. Folders that may not be read are named.
    """
    others: list[str] = []
    images: list[str] = []
    closed: list[OSError] = []
    for place, folders, names in os.walk(root, onerror=closed.append):
        folders[:] = sorted((n for n in folders if not n.startswith(".")), key=natural_key)
        for path in (Path(place, name) for name in sorted(names, key=natural_key)):
            if path not in used:
                image = is_image_name(path) and not path.name.startswith(".")
                (images if image else others).append(path.relative_to(root).as_posix())
    told = []
    if closed:
        shut = [Path(error.filename).relative_to(root).as_posix() for error in closed]
        told.append(f"Folders that can't be read, left out: {listed(shut)}; ask their owner.")
    if others:
        what = "file that is no image" if len(others) == 1 else "files that are no images"
        told.append(f"Passed over: {len(others)} {what}: {listed(others)}.")
    if images:
        what = "image" if len(images) == 1 else "images"
        told.append(
            f"Passed over: {len(images)} {what} taken neither for a photograph nor for a mask: "
            f"{listed(images)}."
        )
    return told


def listed(names: list[str], most: int = 5) -> str:
    """The first names of many, with how many more there are."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
