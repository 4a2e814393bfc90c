"""Folders become collections: which files are photographs, which are masks, and what class.

Recognised here: a folder of class folders, SN-AM (with or without the folder ``PKG - SN-AM``
around ``ALL`` and ``MM``, in both spellings of its names), and a flat folder, whose fields take
their class from an ``ALL`` or ``MM`` in the name where there is one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.images import image_size, is_image_name
from napari_marrow.data.masks import MaskKind, looks_like_mask, mask_kind

SNAM_FOLDER = "PKG - SN-AM"
_CLASS_IN_NAME = re.compile(r"(?:^|[_\- ])(ALL|MM)(?=$|[_\- ])")
# "ALL_1_rotate90" was made from "ALL_1": the same source.
_DERIVED = re.compile(
    r"(?:[_\- ](?:rot(?:ate|ated)?[_\-]?\d*|flip\w*|mirror\w*|edges?|aug\w*|copy\d*))+$",
    re.IGNORECASE,
)


@dataclass
class _Pile:
    """What lies in one folder: photographs, masks by photograph's stem, and what is neither."""

    photographs: list[Path] = field(default_factory=list)
    masks: dict[str, dict[MaskKind, Path]] = field(default_factory=lambda: defaultdict(dict))
    unknown_masks: list[Path] = field(default_factory=list)
    others: int = 0


def scan(folder: Path | str) -> Collection:
    """Find the fields of a folder, pair them with their masks, and note what is odd.

    Only headers are read. Masks are never counted as photographs.

    Parameters
    ----------
    folder
        A folder of photographs, of class folders, or of a SN-AM download. One photograph may be
        named instead: then its masks are looked for beside it.

    Returns
    -------
    Collection
        Its ``warnings`` are sentences that name the files.

    Raises
    ------
    MarrowError
        When the folder is not there, can't be read, or holds no photograph.
    """
    folder = Path(folder)
    if folder.is_file():
        return _one_field(folder)
    root = _find_root(folder)
    piles: list[tuple[str | None, _Pile]] = [(None, _sort_out(root))]
    folders = _class_folders(root)
    of_masks = [sub.name for sub in folders if looks_like_mask(sub)]
    piles += [(sub.name, _sort_out(sub)) for sub in folders if sub.name not in of_masks]
    fields: list[Field] = []
    warnings: list[str] = []
    if of_masks:
        warnings.append(f"Folders of masks, left out: {_listed(of_masks)}.")
    for class_name, pile in piles:
        fields += _pair(root, class_name, pile, warnings)
    if not fields:
        raise MarrowError(
            f"{folder} holds no photograph (BMP, TIFF, PNG or JPEG that is no mask); "
            "choose the folder with the images, or the one with a folder a class."
        )
    others = sum(pile.others for _, pile in piles)
    if others:
        warnings.append(f"{others} files are no images and were passed over.")
    fields, copies = _join_copies(fields)
    warnings += _odd_sizes(fields) + copies + _odd_classes(fields)
    return Collection(root, tuple(fields), tuple(warnings))


def _one_field(path: Path) -> Collection:
    pile = _sort_out(path.parent)
    if not is_image_name(path):
        raise MarrowError(f"{path} is not a BMP, TIFF, PNG or JPEG file; choose a photograph.")
    if mask_kind(path) or looks_like_mask(path):
        raise MarrowError(
            f"{path} is a mask by its name, not a photograph; name the photograph, or the folder."
        )
    pile.photographs = [p for p in pile.photographs if p.name == path.name] or [path]
    pile.masks = {path.stem: pile.masks.get(path.stem, {})}
    fields = _pair(path.parent, _class_of_name(path.parent.name), pile, [])
    return Collection(path.parent, tuple(fields), tuple(_odd_sizes(fields)))


def _find_root(folder: Path) -> Path:
    """The folder that holds the class folders: SN-AM unpacks to one folder more."""
    if not folder.is_dir():
        raise MarrowError(f"{folder} is not there or no folder; check the name.")
    if (folder / SNAM_FOLDER).is_dir():
        return folder / SNAM_FOLDER
    return folder


def _class_folders(root: Path) -> list[Path]:
    return [
        entry
        for entry in _entries(root)
        if entry.is_dir() and any(is_image_name(p) for p in _entries(entry))
    ]


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder, in the order people expect: ``ALL_2`` before ``ALL_10``."""
    try:
        names = [n for n in os.listdir(folder) if not n.startswith(".")]
    except PermissionError:
        raise MarrowError(f"{folder} can't be read: no permission; ask its owner.") from None
    return [folder / name for name in sorted(names, key=natural_key)]


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sorting key that reads the numbers in a name as numbers."""
    parts = re.findall(r"\d+|\D+", name.lower())
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts]


def _sort_out(folder: Path) -> _Pile:
    pile = _Pile()
    for path in _entries(folder):
        if not path.is_file():
            continue
        if not is_image_name(path):
            pile.others += path.suffix.lower() not in {".csv", ".md", ".txt"}
        elif found := mask_kind(path):
            stem, kind = found
            pile.masks[stem][kind] = path
        elif looks_like_mask(path):
            pile.unknown_masks.append(path)
        else:
            pile.photographs.append(path)
    return pile


def _pair(root: Path, class_name: str | None, pile: _Pile, warnings: list[str]) -> list[Field]:
    fields = []
    for path in pile.photographs:
        relative = path.relative_to(root).with_suffix("").as_posix()
        fields.append(
            Field(
                path=path,
                name=path.stem,
                source=_DERIVED.sub("", relative) or relative,
                class_name=class_name or _class_of_name(path.stem),
                masks=pile.masks.get(path.stem, {}),
            )
        )
    stems = {path.stem for path in pile.photographs}
    orphans = [
        p.name for stem in pile.masks if stem not in stems for p in pile.masks[stem].values()
    ]
    if orphans:
        warnings.append(f"Masks without their photograph, left out: {_listed(orphans)}.")
    if pile.unknown_masks:
        names = _listed([p.name for p in pile.unknown_masks])
        warnings.append(f"Masks of which the name does not tell the kind, left out: {names}.")
    bare = [f.name for f in fields if "nucleus" not in f.masks]
    if bare and len(bare) < len(fields):
        warnings.append(f"Fields without a nucleus mask: {_listed(bare)}.")
    return fields


def _class_of_name(stem: str) -> str | None:
    found = _CLASS_IN_NAME.findall(stem)
    return found[0] if found and len(set(found)) == 1 else None


def _odd_sizes(fields: list[Field]) -> list[str]:
    """Damaged files, masks of another size than their photograph, and sizes that differ."""
    warnings: list[str] = []
    sizes: dict[tuple[int, int], list[str]] = defaultdict(list)
    for f in fields:
        try:
            size = image_size(f.path)
            sizes[size].append(f.name)
            for mask in f.masks.values():
                if (found := image_size(mask)) != size:
                    warnings.append(
                        f"{mask.name} is {found[1]}x{found[0]} and its photograph "
                        f"{size[1]}x{size[0]} pixels; the mask can't be used."
                    )
        except MarrowError as error:
            warnings.append(str(error))
    if len(sizes) > 1:
        rows = [f"{w}x{h} ({len(names)})" for (h, w), names in sorted(sizes.items())]
        warnings.append(f"The fields have {len(sizes)} different sizes: {_listed(rows)}.")
    return warnings


def _join_copies(fields: list[Field]) -> tuple[list[Field], list[str]]:
    """Give fields that are the same file, as far as four samples of it tell, one source.

    Otherwise a picture could be learnt from under one name and judged under another.
    """
    seen: dict[bytes, list[Field]] = defaultdict(list)
    for f in fields:
        with contextlib.suppress(OSError):  # what can't be read is said elsewhere
            seen[_sample(f.path)].append(f)
    same = [group for group in seen.values() if len(group) > 1]
    joined = _joined([[f.source for f in group] for group in same])
    fields = [replace(f, source=joined.get(f.source, f.source)) for f in fields]
    names = [_listed([f.path.name for f in group]) for group in same]
    return fields, [f"The same picture more than once, taken as one source: {n}." for n in names]


def _joined(groups: list[list[str]]) -> dict[str, str]:
    """The first source of each group for its others; groups that share a source become one."""
    first: dict[str, str] = {}
    for group in groups:
        olds = {first.get(source, source) for source in group}
        new = first.get(group[0], group[0])
        first |= {source: new for source in first if first[source] in olds}
        first |= dict.fromkeys([*group, *olds], new)
    return first


def _sample(path: Path, length: int = 4096) -> bytes:
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with open(path, "rb") as file:
        for start in (0, size // 3, size // 2, size - length):
            file.seek(max(start, 0))
            digest.update(file.read(length))
    return digest.digest()


def _odd_classes(fields: list[Field]) -> list[str]:
    bare = [f.name for f in fields if f.class_name is None]
    if bare and len(bare) < len(fields):
        return [f"Fields without a class: {_listed(bare)}."]
    return []


def _listed(names: list[str], most: int = 5) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
