"""Layouts that keep masks apart from their photographs: SegPC-2021, and white-blood-cell sets."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from napari_marrow.data.csv_table import (
    UNKNOWN,
    columns,
    columns_by_role,
    is_own_table,
    is_table_name,
    read_rows_by_role,
)
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.file_index import FileIndex
from napari_marrow.data.layouts.listing import (
    MAX_DEPTH,
    Entry,
    images_in,
    join_collections,
    list_folder,
    passed_over,
    subfolders,
    with_passed_over,
)
from napari_marrow.data.layouts.names import (
    class_of_folder_name,
    is_class_word,
    source_of_name,
)
from napari_marrow.data.layouts.parallel_masks import PHOTOGRAPH_FOLDERS
from napari_marrow.data.mask_codes import MIN_KNOWN_SHARE, MaskKind, kinds_of
from napari_marrow.data.masks import holds_mask, shared_code
from napari_marrow.data.outputs import is_own_png
from napari_marrow.data.text import folded, listed

_CELL_FILE = re.compile(r"^(?P<stem>.+)_(?P<number>\d+)$")
_MASK_FOLDERS: dict[str, MaskKind] = {
    "cell_masks": "cell",
    "nucleus_masks": "nucleus",
    "nuclei_masks": "nucleus",
    "cytoplasm_masks": "cytoplasm",
}
MIN_PAIRED_SHARE = 0.8
"""Share of a folder's images that must be pairs of a cell and its mask."""
WBC_CLASSES = {
    "1": "neutrophil",
    "2": "lymphocyte",
    "3": "monocyte",
    "4": "eosinophil",
    "5": "basophil",
}
"""Numbers in the class table of the white-blood-cell set of Zheng et al. 2018."""


def find_paired_masks(root: Path) -> list[Collection]:
    """Return what is below a folder in one of the two layouts."""
    return [found for found in (segpc(root), white_blood_cells(root)) if found is not None]


def segpc(root: Path) -> Collection | None:
    """Read SegPC-2021: ``x/<id>.bmp`` and one mask a cell, ``y/<id>_<k>.bmp``; or merged masks.

    In a cell's mask 20 is cytoplasm and 40 nucleus. Every field shows multiple myeloma. The
    downloaded parts (``train/x``, ``validation/x``) may lie beside or below each other.
    """
    places = [root.parent] if root.name in PHOTOGRAPH_FOLDERS else _all_folders(root)
    parts = {place: found for place in places if (found := segpc_part(root, place))}
    if not parts:
        return None
    sets = list(parts.values())
    if any(f.cells for found in sets for f in found.fields):  # the test part comes without masks
        for folder in (place / "x" for place in places if place not in parts):
            fields = [
                Field(path, path.stem, source_of_name(path.relative_to(root)), "MM")
                for path in images_in(folder)
            ]
            sets.append(Collection(root, tuple(fields)))
    found = join_collections(root, sets)
    classes = [_class_above(root, f.path.parent) for f in found.fields]
    if any(classes):  # what a person arranged counts
        fields = [replace(f, class_name=c) for f, c in zip(found.fields, classes, strict=True)]
        found = replace(found, fields=tuple(fields))
    return found


def _class_above(root: Path, folder: Path) -> str | None:
    """Return the innermost folder below ``root`` with a word for cells or a diagnosis."""
    names = reversed(folder.relative_to(root).parts if folder.is_relative_to(root) else ())
    return next((class_of_folder_name(name) for name in names if is_class_word(name)), None)


def _all_folders(root: Path, depth: int = MAX_DEPTH) -> list[Path]:
    below = subfolders(root) if depth else []
    return [root, *(place for sub in below for place in _all_folders(sub, depth - 1))]


def segpc_part(root: Path, place: Path) -> Collection | None:
    """Read one part of SegPC: photographs in a folder of ``place`` and masks in others beside."""
    folder = next((place / n for n in PHOTOGRAPH_FOLDERS if (place / n).is_dir()), None)
    if folder is None:
        return None
    cells = _cell_files(place / "y") if folder.name == "x" else {}
    masks = {
        kind: {p.stem: p for p in images_in(place / name)} for name, kind in _MASK_FOLDERS.items()
        if (place / name).is_dir()
    }  # fmt: skip
    photographs = [p for p in images_in(folder) if not is_own_png(p)]
    if not photographs or not (cells or masks):
        return None
    class_name = "MM" if cells or "segpc" in place.name.lower() else None
    fields = [
        Field(
            path=path,
            name=path.stem,
            source=source_of_name(path.relative_to(root)),
            class_name=class_name,
            masks={kind: found[path.stem] for kind, found in masks.items() if path.stem in found},
            cells=tuple(cells.get(path.stem, ())),
        )
        for path in photographs
    ]
    bare = sorted(set(cells) - {path.stem for path in photographs})
    warnings = [f"Masks without their photograph, left out: {listed(bare)}."] if bare else []
    return Collection(root, tuple(fields), tuple(warnings))


def _cell_files(folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = defaultdict(list)
    for path in images_in(folder):
        if match := _CELL_FILE.match(path.stem):
            found[match["stem"]].append(path)
    return found


def white_blood_cells(root: Path) -> Collection | None:
    """Read single cells ``001.bmp``, each with its mask ``001.png``, and a table of class numbers.

    In a mask 255 is nucleus, 128 cytoplasm, 0 the rest, unless its pixels tell another code. The
    table has the columns ``image ID`` and ``class label``, in any spelling, and lies beside the
    pictures or one folder above, where the name of their folder may be in its own. ``root`` may
    hold several such sets, each with its table. Where it is not clear which table is a folder's,
    none counts. Without a table, masks are paired as in any folder: see :mod:`.listing`.
    """
    sets = [found for place in _all_folders(root) if (found := _cells_and_masks(root, place))]
    return join_collections(root, sets) if sets else None


def _cells_and_masks(root: Path, place: Path) -> Collection | None:
    images = images_in(place)
    masks = {p.stem: p for p in images if p.suffix.lower() == ".png"}
    photographs = [p for p in images if p.suffix.lower() == ".bmp" and p.stem in masks]
    if photographs:  # results may lie beside them, under their names or as <stem>_nuclei.png
        images = [p for p in images if not is_own_png(p)]
        masks = {p.stem: p for p in images if p.suffix.lower() == ".png"}
        photographs = [p for p in photographs if p.stem in masks]
    paired = {*photographs, *(masks[p.stem] for p in photographs)}
    if not photographs or len(paired) < MIN_PAIRED_SHARE * len(images):
        return None
    table, classes, warnings, faults = _read_classes(place, photographs)
    if not (table or faults):
        return None
    pngs = [masks[p.stem] for p in photographs]
    of_masks = [holds for p in pngs if (holds := holds_mask(p, MIN_KNOWN_SHARE)) is not None]
    if sum(of_masks) < MIN_PAIRED_SHARE * len(of_masks):
        return None  # photographs in two formats
    code = shared_code(pngs)
    fields = [
        Field(
            path=path,
            name=path.stem,
            source=source_of_name(path.relative_to(root)),
            class_name=classes.get(path),
            masks=dict.fromkeys(kinds_of(code), masks[path.stem]),
            mask_code=code,
        )
        for path in photographs
    ]
    left = [p.name for p in images if p not in paired]
    if left:
        warnings.append(f"Pictures without a mask, left out: {listed(left)}.")
    found = Collection(root, tuple(fields), tuple(warnings), tables=(table,) if table else ())
    return with_passed_over(found, faults)


def _read_classes(
    place: Path, photographs: list[Path]
) -> tuple[Path | None, dict[Path, str], list[str], dict[Path, str]]:
    """Return the table of a folder's photographs, their classes, warnings, and tables passed over.

    The last are those of which it is not clear whether they count, with the reason.
    """
    rows = {t: r for t in _tables_near(place) if (r := _classes_in_table(t, photographs))}
    # one in the folder, or that has its name, counts before one that could be another folder's
    inside = [t for t in rows if t.parent == place]
    rivals = inside or [t for t in rows if is_named_for(t, place)]
    if not rivals:
        rest = [p for p in subfolders(place.parent) if p != place]
        beside = [[p for p in images_in(sub) if p.suffix.lower() == ".bmp"] for sub in rest]
        rivals = [t for t in rows if is_named_for(t, place) is None]
        rivals = [t for t in rivals if not any(is_named_for(t, p) for p in rest)]
        shared = [t for t in rivals if any(_classes_in_table(t, images) for images in beside)]
        if len(rivals) == 1 and shared:
            fault = (
                f"{rivals[0].name} may be about {place.name} or a folder beside it, with pictures "
                "of the same names; move it into its folder."
            )
            return None, {}, [], {rivals[0]: passed_over(rivals[0], fault)}
    exact = [t for t in rivals if set(rows[t]) == set(photographs)]
    rivals = exact or rivals
    if len(rivals) > 1:
        names = listed([t.name for t in rivals])
        fault = f"{names} could all give the classes of {place.name}; keep the right one."
        return None, {}, [], {t: f"{fault} Until then they are passed over." for t in rivals}
    if not rivals:
        return None, {}, [], {}
    (table,) = rivals
    twice = sorted(p.name for p, labels in rows[table].items() if len(labels) > 1)
    warnings = [f"{table.name} has several classes for {listed(twice)}."] if twice else []
    classes = {p: labels.pop() for p, labels in rows[table].items() if len(labels) == 1}
    return table, classes, warnings, {}


def _tables_near(place: Path) -> list[Path]:
    """List the tables of classes in a folder and above it, but those named ``image,class``.

    Of those the class is meant as it is written, and they are read elsewhere.
    """
    found = []
    for path in (p for f in (place, place.parent) for p in list_folder(f, _is_table)):
        names = columns(path)
        if _is_published(names) and not is_own_table(names):
            found += [path] if {"image", "class"} <= columns_by_role(names).keys() else []
    return found


def _is_published(names: Iterable[str]) -> bool:
    """Whether a table has a column of the published ones, whose classes are numbers."""
    return bool({"imageid", "classlabel"} & {re.sub(r"[\W_]+", "", name) for name in names})


def _is_table(entry: Entry) -> bool:
    return is_table_name(Path(entry.name))


def is_named_for(table: Path, folder: Path) -> bool | None:
    """Whether a table has a folder's name in its own; None if it has none of the kind.

    ``Class Labels of Dataset 1`` is for ``Dataset 1``, and not for ``Dataset 2``.
    """
    own, wanted = _words(table.stem), _words(folder.name)
    parts = [own[k : k + len(wanted)] for k in range(len(own) - len(wanted) + 1)]
    if wanted in parts:
        return True
    is_numbered = len(wanted) > 1 and wanted[-1].isdigit()
    alike = (p[:-1] == wanted[:-1] and p[-1].isdigit() for p in parts)
    return False if is_numbered and any(alike) else None


def _words(name: str) -> list[str]:
    found = re.findall(r"[^\W\d_]+|\d+", folded(name))
    return [word.lstrip("0") if word.isdigit() else word for word in found]


def _classes_in_table(table: Path, photographs: list[Path]) -> dict[Path, set[str]]:
    """Return the classes that a table gives to photographs of one folder: more than one is odd."""
    try:
        rows = read_rows_by_role(table)
    except MarrowError:
        return {}  # reported where it is read as any other table
    index = FileIndex({p.name: p for p in photographs})
    found: dict[Path, set[str]] = defaultdict(set)
    for row in rows:
        folders = Path(row["image"].replace("\\", "/")).parts[:-1]
        paths = index.find(row["image"])
        if len(paths) == 1 and folders[-1:] in ((), (paths[0].parent.name,)):
            label = WBC_CLASSES.get(re.sub(r"[.,]0+$", "", row["class"]), row["class"])
            found[paths[0]] |= {label} if folded(label) not in UNKNOWN else set()
    return dict(found)
