"""Class folders of any names, SN-AM with or without its outer folder, C-NMC's folds, flat ones."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Collection as Many
from collections.abc import Mapping
from pathlib import Path

from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.layouts.class_names import classes_of_folders, tells_class
from napari_marrow.data.layouts.listing import (
    FolderFiles,
    fields_of_files,
    folders_with_images,
    holds_results,
    images_in,
    sort_files,
)
from napari_marrow.data.layouts.names import (
    KNOWN_CLASSES,
    can_be_class,
    class_of_folder_name,
    classes_of_names,
    is_class_word,
    is_group,
    is_learnt_from,
    is_understood,
    serial_letters,
)
from napari_marrow.data.layouts.parallel_masks import with_parallel_masks
from napari_marrow.data.masks import looks_like_mask
from napari_marrow.data.text import folded, listed, one_form

SNAM_FOLDER = "PKG - SN-AM"


def class_folders(folder: Path, taken: Many[Path] = ()) -> Collection:
    """Fields of a folder whose sub-folders are classes, or that holds photographs itself.

    Which folder names the class: see :func:`_class_place`. Folders of results and of masks are
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
    warnings: list[str] = []
    files = {sub: sort_files(sub) for sub in (root, *kept) if sub not in taken}
    holding = [sub for sub in files if files[sub].photographs]
    places = _without_series(root, _class_places(root, holding, files))
    places, unlearnt = _without_other_parts(root, places)
    classes = {
        sub: None if place is None else class_of_folder_name(place.name)
        for sub, place in places.items()
    }
    joined = classes_of_folders(place.name for place in filter(None, places.values()))
    classes |= {sub: joined[p.name] for sub, p in places.items() if p and p.name in joined}
    fields: list[Field] = []
    for sub in files:
        fields += fields_of_files(root, classes.get(sub), files[sub], warnings)
    if not any(classes.values()):
        fields, notes = with_classes_of_names(fields)
        warnings += notes
    else:
        warnings += _unused_names(fields)
    fields = with_parallel_masks(root, fields)
    used = {p.parent for f in fields for p in f.mask_files}
    left["masks"] = [names[s] for s in found if names[s] in left["masks"] and s not in used]
    warnings += [
        f"Folders of {what}, left out: {listed(passed)}." for what, passed in left.items() if passed
    ]
    kept = [sub for sub in kept if sub in places]
    if joined:
        warnings.append(
            f"By the names of folders ({listed(list(joined))}) the classes are "
            f"{listed(sorted({*joined.values()}))}. If each is a class of its own, give these in a "
            "table."
        )
    below = [names[s] for s in kept if places[s] not in (None, s)]
    if below:
        warnings.append(f"Folders taken for part of the class above them: {listed(below)}.")
    if unlearnt:
        beside = listed([p.relative_to(root).as_posix() for p in unlearnt])
        warnings.append(
            f"Folders beside the part to learn from that hold none of its classes, so their "
            f"photographs have none: {beside}. If they are classes, give these in a table."
        )
    above = dict.fromkeys(p for s in kept for p in _possible_classes_above(root, places[s]))
    if len(above) > 1 or any(is_class_word(p.name) for p in above):  # else what the set is called
        passed = listed([p.relative_to(root).as_posix() for p in above])
        warnings.append(
            f"Folders that could be classes too, but have classes below them: {passed}. If they "
            "are the classes, give these in a table."
        )
    return Collection(root, tuple(fields), tuple(warnings))


def classes_of_folders_above(collection: Collection) -> dict[Path, str]:
    """Return the classes that a folder above gives photographs, and not the file's name."""
    return {
        f.path: f.class_name
        for f in collection.fields
        if f.class_name is not None
        and any(tells_class(p.name, f.class_name) for p in f.path.parents)
    }


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


def _class_places(
    root: Path, holding: list[Path], files: Mapping[Path, FolderFiles]
) -> dict[Path, Path | None]:
    """Return the folder that names the class of each folder of photographs.

    Words for cells and diagnoses count before other names, which may be those of patients, where
    they tell classes apart and no choice is left open. They also count below a folder that holds
    photographs itself, where that would be the only class.
    """
    for by_words in (True, False):
        places = {sub: _class_place(root, sub, files, by_words) for sub in holding}
        places = _without_classes_below(root, places)
        given = [place for place in places.values() if place is not None]
        of_words = {place.parent for place in given if is_class_word(place.name)}
        is_open = any(
            place.parent not in of_words and _possible_classes_above(root, place) for place in given
        )
        n_classes = len({class_of_folder_name(place.name) for place in given})
        if not is_open and n_classes > 1:
            return places
    innermost = {sub: _class_place(root, sub, {}, True) for sub in holding}
    below = _without_classes_below(root, innermost)
    words = {place.name for place in below.values() if place is not None}
    return below if n_classes < 2 and len(words) > 1 and all(map(is_class_word, words)) else places


def _class_place(
    root: Path, folder: Path, files: Mapping[Path, FolderFiles], by_words: bool
) -> Path | None:
    """Return the folder that names the class: itself, or one above it; None for ``root`` itself.

    In this order: ``ALL`` or ``MM``; a folder above that holds photographs itself; where wanted the
    innermost word for cells or a diagnosis; the innermost name that can be a class. Of names in
    other scripts it is not known whether they mean a patient or pictures, so those count only where
    no folder above can be a class.
    """
    known = [p for p in _upwards(root, folder) if one_form(p.name) in KNOWN_CLASSES]
    able = [p for p in _upwards(root, folder) if class_of_folder_name(p.name)]
    # "patients" is a class beside "controls", and in a class it is what that consists of
    able = [p for p in able if not is_group(p.name)] or able
    possible = [p for p in able if is_understood(p.name) or p == able[-1]]
    holding = [p for p in possible if p != folder and p in files and files[p].photographs]
    words = [p for p in possible if by_words and is_class_word(p.name)]
    best = known[:1] or holding[-1:] or words[:1] or possible[:1]
    return best[0] if best else None


def _without_classes_below(
    root: Path, places: Mapping[Path, Path | None]
) -> dict[Path, Path | None]:
    """Take no folder for a class that has folders of other classes below it.

    Such a folder is what the whole set is called. A name beside those classes is one, too (``ig``
    beside ``basophil``); other photographs there have none.
    """
    found = {place for place in places.values() if place is not None}
    above = {parent for place in found for parent in place.parents}
    beside = {place.parent for place in found - above}
    return {
        sub: place
        if place not in above
        else next(
            (
                p
                for p in _upwards(root, sub)
                if p.parent in beside
                and p not in above
                and class_of_folder_name(p.name)
                and is_understood(p.name)
            ),
            None,
        )
        for sub, place in places.items()
    }


def _without_series(root: Path, places: Mapping[Path, Path | None]) -> dict[Path, Path | None]:
    """Take no series of patients (``K1``, ``K2``) for classes below a folder that can be one.

    That is so where another folder beside it is a class, or holds another such series.
    """
    below: dict[Path, set[Path]] = {}
    for place in filter(None, places.values()):
        below.setdefault(place.parent, set()).add(place)
    series = {
        above
        for above, own in below.items()
        if above != root
        and class_of_folder_name(above.name)
        and len(letters := {serial_letters(p.name) for p in own}) == 1
        and None not in letters
    }
    names = {above: {p.name for p in below[above]} for above in series}
    found = {
        above
        for above in series
        if any(p.parent == above.parent for p in filter(None, places.values()) if p != above)
        or any(
            other.parent == above.parent and names[other].isdisjoint(names[above])
            for other in series - {above}
        )
    }
    return {
        sub: place.parent if place is not None and place.parent in found else place
        for sub, place in places.items()
    }


def _without_other_parts(
    root: Path, places: Mapping[Path, Path | None]
) -> tuple[dict[Path, Path | None], list[Path]]:
    """Take nothing for a class in a folder beside ``train`` that holds none of its classes.

    Such a folder is a part of the set without classes, whatever it is called; those below it are
    patients, days or the like. A name with a word for cells or a diagnosis is a class there, too.

    Returns
    -------
    dict of Path to Path or None
        The places that are left.
    list of Path
        The folders beside ``train``.
    """
    names: dict[Path, set[str]] = {}
    for sub, place in places.items():
        for part in _upwards(root, sub):
            found = names.setdefault(part, set())
            if place is not None and place.is_relative_to(part):
                found.add(_plain(str(class_of_folder_name(place.name))))
    learnt = [p for p in names if is_learnt_from(p.name) and len(names[p] - {_plain(p.name)}) > 1]
    known = {part.parent: set[str]() for part in learnt}
    for part in learnt:
        known[part.parent] |= names[part]
    others = [
        p
        for p, own in names.items()
        if p.parent in known
        and own
        and own.isdisjoint(known[p.parent])
        and not any(map(is_class_word, own))
    ]
    return {
        sub: None if any(map(sub.is_relative_to, others)) else place
        for sub, place in places.items()
    }, others


def _plain(name: str) -> str:
    """Return a name without capitals and signs, as parts of a set may spell a class."""
    return re.sub(r"[\W_]+", " ", folded(name)).strip() or name


def with_classes_of_names(fields: list[Field]) -> tuple[list[Field], list[str]]:
    """Take the classes of a set from the names of its files, where no folder tells one; say so."""
    names, published = classes_of_names(f.path.stem for f in fields)
    if not published:
        return fields, []
    counts = Counter(name for name in names if name)
    found = listed([f"{name} ({count})" for name, count in sorted(counts.items())])
    note = f"Classes are read from the file names, which are those of {published}: {found}."
    return [
        dataclasses.replace(f, class_name=name) for f, name in zip(fields, names, strict=True)
    ], [note]


def _unused_names(fields: list[Field]) -> list[str]:
    """Return a warning where folders tell one class alone, and the names of all files two."""
    given = {f.class_name for f in fields}
    names, published = classes_of_names(f.path.stem for f in fields)
    if len(given) > 1 or len(set(names)) < 2 or None in names:
        return []
    return [
        f"The classes in the file names, which are those of {published}, are not used, as the "
        f"folder {listed([str(name) for name in given])} tells the class; choose that folder "
        "itself to use them."
    ]


def _possible_classes_above(root: Path, place: Path | None) -> list[Path]:
    """Return the folders above the one that gave the class whose names could be classes too."""
    if place is None or class_of_folder_name(place.name) in KNOWN_CLASSES:
        return []
    above = _upwards(root, place)[1:]
    return [p for p in above if can_be_class(p.name) and not is_group(p.name)]
