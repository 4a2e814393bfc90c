"""What a folder holds: photographs, masks by the stem of their photograph, and other files."""

from __future__ import annotations

import dataclasses
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from natsort import natsort_keygen, ns

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.images import is_image_name
from napari_marrow.data.layouts.names import source_of_name
from napari_marrow.data.mask_codes import MaskCode, MaskKind, kinds_of
from napari_marrow.data.masks import (
    has_labels_mark,
    holds_mask,
    looks_like_mask,
    mask_kind,
    shared_code,
)
from napari_marrow.data.outputs import is_own_png
from napari_marrow.data.text import folded, listed

MAX_DEPTH = 8
"""Folders below folders that are read. C-NMC has ``C-NMC_training_data/fold_0/all``, and whoever
unpacks each part into a folder of its own has more; links may lead in circles."""
_RESULTS = re.compile(
    r"(?:^|[^a-z])(?:results?|outputs?|overlays?|predictions?|figures?|plots?|reports?|truth"
    r"|models?)(?:$|[^a-z])|^out$",
    re.IGNORECASE,
)
Entry: TypeAlias = os.DirEntry[str]
natural_key = natsort_keygen(alg=ns.IGNORECASE)
"""Key that sorts names in the order people expect: ``ALL_2`` before ``ALL_10``."""


@dataclass
class FolderFiles:
    """The image files of one folder.

    Attributes
    ----------
    masks
        Mask files by the stem of their photograph, then by kind.
    paired
        Masks by their pixels, each of the photograph of the same name.
    code
        That of the masks in ``paired``.
    """

    photographs: list[Path] = field(default_factory=list)
    masks: dict[str, dict[MaskKind, Path]] = field(default_factory=lambda: defaultdict(dict))
    paired: list[Path] = field(default_factory=list)
    code: MaskCode = "white"


def list_folder(folder: Path, is_wanted: Callable[[Entry], bool] = lambda _: True) -> list[Path]:
    """List what is in a folder, in natural order; nothing where it may not be read."""
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if not e.name.startswith(".") and is_wanted(e)]
    except OSError:
        return []  # reported by unused_files
    return [folder / name for name in sorted(names, key=natural_key)]


def _is_folder(entry: Entry) -> bool:
    """Whether an entry is a folder or a link to one; the system is asked for links alone."""
    return os.path.isdir(entry) if entry.is_symlink() else entry.is_dir()


def _is_image(entry: Entry) -> bool:
    if not is_image_name(Path(entry.name)):
        return False
    # a link that leads nowhere is a photograph that can't be read, and is reported as one
    return not os.path.isdir(entry) if entry.is_symlink() else entry.is_file()


def subfolders(folder: Path) -> list[Path]:
    """List the folders in a folder, but for links that lead back to it or above, or nowhere."""
    here = folder.resolve()
    return [
        path
        for path in list_folder(folder, _is_folder)
        if not (path.is_symlink() and here.is_relative_to(path.resolve()))
    ]


def images_in(folder: Path) -> list[Path]:
    """List the files of a folder that have an image's name, masks included."""
    return list_folder(folder, _is_image)


def holds_results(folder: Path) -> bool:
    """Whether a folder holds what a program wrote (pictures of results are no photographs)."""
    is_bundle = folder.suffix == ".marrow" or (folder / "bundle.json").exists()
    return is_bundle or bool(_RESULTS.search(folder.name))


def folders_with_images(root: Path, depth: int = MAX_DEPTH) -> Iterator[Path]:
    """Yield the folders below ``root`` that hold images themselves, each before those below it.

    Folders below those of results and of masks are passed over.
    """
    for sub in subfolders(root):
        if images_in(sub):
            yield sub
        if depth > 1 and not holds_results(sub) and not looks_like_mask(sub):
            yield from folders_with_images(sub, depth - 1)


def sort_files(folder: Path) -> FolderFiles:
    """Separate the photographs of a folder from its masks by their names."""
    files = FolderFiles()
    for path in images_in(folder):
        if has_labels_mark(path):
            continue
        if found := mask_kind(path):
            stem, kind = found
            files.masks[stem][kind] = path
        elif not (looks_like_mask(path) or is_own_png(path)):
            files.photographs.append(path)
    _match_capitals(files)
    _pair_by_pixels(files)
    return files


def _match_capitals(files: FolderFiles) -> None:
    """Give masks of ``mm_1`` to ``MM_1``, where no other photograph is called so.

    A name in another Unicode form is the same too.
    """
    spellings: dict[str, set[str]] = defaultdict(set)
    for path in files.photographs:
        spellings[folded(path.stem)].add(path.stem)
    for stem in list(files.masks):
        same = spellings[folded(stem)]
        if stem not in same and len(same) == 1:
            (photograph,) = same
            files.masks[photograph] = {**files.masks.pop(stem), **files.masks[photograph]}


def _pair_by_pixels(files: FolderFiles) -> None:
    """Take ``001.png`` for the mask of ``001.bmp`` where its pixels are those of a mask.

    White blood cells that somebody sorted into class folders have no table that would name them.
    """
    bmps = {p.stem for p in files.photographs if p.suffix.lower() == ".bmp"} - set(files.masks)
    pngs = [p for p in files.photographs if p.stem in bmps and p.suffix.lower() == ".png"]
    files.paired = list(filter(holds_mask, pngs))
    files.code = shared_code(files.paired)
    for path in files.paired:
        files.masks[path.stem] |= dict.fromkeys(kinds_of(files.code), path)
    masks = set(files.paired)
    files.photographs = [p for p in files.photographs if p not in masks]


def fields_of_files(
    root: Path, class_name: str | None, files: FolderFiles, warnings: list[str]
) -> list[Field]:
    """Make fields of the photographs of a folder with the masks of the same stem."""
    paired = {path.stem for path in files.paired}
    fields = [
        Field(
            path=path,
            name=path.stem,
            source=source_of_name(path.relative_to(root)),
            class_name=class_name,
            masks=files.masks.get(path.stem, {}),
            mask_code=files.code if path.stem in paired else "white",
        )
        for path in files.photographs
    ]
    if paired:
        names = listed(sorted((p.name for p in files.paired), key=natural_key))
        warnings.append(
            f"Taken for masks by their pixels, each of the photograph of the same name: {names}."
        )
    stems = {path.stem for path in files.photographs}
    orphans = [p.name for stem, masks in files.masks.items() if stem not in stems
               for p in masks.values()]  # fmt: skip
    if orphans:
        warnings.append(f"Masks without their photograph, left out: {listed(orphans)}.")
    return fields


def passed_over(table: Path, fault: MarrowError | str) -> str:
    """Return the sentences about a table that can't be used for a fault."""
    return f"{fault} Until then {table.name} is passed over."


def name_below(folder: Path, path: Path) -> str:
    """Return what a table is called in messages: several in a set may have one name."""
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def with_passed_over(found: Collection, faults: Mapping[Path, str]) -> Collection:
    """Add tables that can't be used, with the reasons."""
    return dataclasses.replace(
        found,
        warnings=tuple(dict.fromkeys((*found.warnings, *faults.values()))),
        passed_over=tuple(dict.fromkeys((*found.passed_over, *faults))),
    )


def join_collections(root: Path, parts: Iterable[Collection]) -> Collection:
    """Join several collections, in their order."""
    parts = list(parts)
    return Collection(
        root,
        fields=tuple(f for part in parts for f in part.fields),
        warnings=tuple(w for part in parts for w in part.warnings),
        tables=tuple(t for part in parts for t in part.tables),
        passed_over=tuple(t for part in parts for t in part.passed_over),
    )
