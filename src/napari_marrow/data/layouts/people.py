"""Folders of patients, slides and the like, above or below those of the classes: the sources."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from napari_marrow.data.fields import Field
from napari_marrow.data.layouts.names import (
    class_of_folder_name,
    describes_storage,
    is_patient_of_name,
    is_person,
    original_of_name,
    person_and_class,
)
from napari_marrow.data.text import counted, folded, listed, one_form

MAGNIFICATIONS = frozenset({4, 5, 10, 20, 25, 40, 50, 60, 63, 100, 200, 400, 600, 630, 1000})
"""Of objectives, and with an eyepiece of 10x. A set of folders with these names is of one slide."""
# P07, BM-100, 0123, 14-22549AB, TCGA-AB-2803; not L1, M3 (kinds of leukaemia), lab 1, fold0
_CODE = re.compile(
    r"p[\W_]*\d+[a-z]?|(?![vxz])[a-z]{1,2}[\W_]*\d{2,}[a-z]?|\d+[a-z]?"
    r"|(?=(?:.*\d){3})[A-Z\d\W_]+"
)
_DAY = re.compile(
    r"(?:(?:19|20)\d\d(?P<sep>[\W_]?)[01]\d(?P=sep)[0-3]\d|(?:19|20)\d\d[\W_]\d\d?[\W_]\d\d?"
    r"|[0-3]?\d[\W_][0-3]?\d[\W_](?:19|20)?\d\d)(?!\d)(?:[\W_T]+\d[\d\W_]*)?"
)
_DATE = re.compile(rf"{_DAY.pattern}|(?:19|20)\d\d(?:[\W_]?[01]?\d)?")
# 2021-101, 21-0034: the year, and the number of the case in it; not 11-2023
_CASE = re.compile(r"(?:19|20)?\d\d[\W_](?!(?:19|20)\d\d$)\d{3,}")
# Divisions of a set, ways to show the same pictures, and kinds of leukaemia, where the number may
# be joined to the word: none of them is a patient.
_DIVISION = re.compile(
    r"(?:batch|day|session|part|split|cv|round|run|lab|site|cent(?:er|re)|hospital|clinic|group"
    r"|(?:sub)?set|(?:sub)?type|fold|level|grade|stage|[lm](?=\d)|original|segmented|augmented"
    r"|rotated|flipped|normali[sz]ed|processed|enhanced)[\W_]*(?:[a-z]|\d+[a-z]?)?"
)
_IN_NAME = r"(?:^|[\W_])(?P<word>{})[\W_]*(?P<number>\d+)(?!\d)"
_PATIENT_IN_NAME = re.compile(
    _IN_NAME.format(
        "patient(?:in)?|pat|paciente?|pac|subj(?:ect)?|case|cas|fall|proband(?:in)?|person"
        "|donor|spender(?:in)?|participant|volunteer|individual"
    ),
    re.IGNORECASE,
)
_SLIDE_IN_NAME = re.compile(_IN_NAME.format("slide|wsi|smear|biopsy|aspirate"), re.IGNORECASE)
_P_CODE = re.compile(r"(?:pt?|s|id|mrn)[\W_]?\d+(?=[\W_])", re.IGNORECASE)
MIN_DIVIDING_FOLDERS = 4
"""Of other names, of which each holds several classes: fewer may be views of one picture."""
_of_folders = lru_cache(maxsize=4096)  # a folder holds many files, which all ask the same
_SHORT_NUMBER = re.compile(r"\d{1,2}")


@_of_folders
def is_code(folder: str) -> bool:
    """Whether a name may be the code of a patient or a slide.

    >>> [is_code(n) for n in ("P07", "0123", "BM-100", "SOB_B_A_14-22549AB", "7")]
    [True, True, True, True, True]
    >>> [is_code(n) for n in ("40X", "x100", "fold_0", "lab 1", "L1", "2026-11-29", "normal")]
    [False, False, False, False, False, False, False]
    >>> [is_code(n) for n in ("2021-101", "21_0034", "11-2023")]
    [True, True, False]
    """
    name = one_form(folder)
    if _CASE.fullmatch(name):
        return True
    if _DATE.fullmatch(name) or (describes_storage(name) and not name.isdecimal()):
        return False
    return bool(_CODE.fullmatch(name) or _CODE.fullmatch(name.lower()))


def sources_of_folders(root: Path, fields: Iterable[Field]) -> tuple[tuple[Field, ...], list[str]]:
    """Give photographs of one patient one source, where folders tell the patients apart.

    Such a folder is called ``patient 1``, ``Slide_B``, ``case 7`` and so on. Codes (``P07``,
    ``0123``) count where all photographs of the classes lie in such folders, either above the
    folders of the classes or below them. So do other names (``Adams``) where the folders divide
    the photographs as patients do. Parts of a set and magnifications do not count. Without such
    folders, patients and slides that the names of files spell are the sources.

    Returns
    -------
    tuple of Field
        All fields, in their order.
    list of str
        A sentence that tells which folders give the sources.
    """
    fields = tuple(fields)
    ours = [f for f in fields if f.path.is_relative_to(root) and not is_patient_of_name(f.path)]
    parts = {f.path: f.path.relative_to(root).parts[:-1] for f in ours}
    places = {path: _first(names, is_person) for path, names in parts.items()}
    warnings: list[str] = []
    sources = {
        path: _key(parts[path], place) for path, place in places.items() if place is not None
    }
    if not sources:
        sources, warnings = _codes(ours, parts)
    folders = list(dict.fromkeys(sources.values()))
    if len(folders) < 2:  # one alone divides nothing
        fields, notes = _sources_of_file_names(fields, ours)
        return fields, [*warnings, *notes]
    warnings.append(
        f"{counted(len(sources), 'photograph')} in {counted(len(folders), 'folder')} of patients, "
        f"slides or the like, by the names: {listed(folders)}. All of one folder are one source. "
        "If that is wrong, give the sources in a table or with --groups."
    )
    return tuple(replace(f, source=sources.get(f.path, f.source)) for f in fields), warnings


def _sources_of_file_names(
    fields: tuple[Field, ...], ours: list[Field]
) -> tuple[tuple[Field, ...], list[str]]:
    """Give photographs one source whose names spell the same patient or slide, and say so.

    ``Patient1_0`` and ``patient_01-3`` do. So do codes such as ``P02_0``, if all are named so and
    each code is of one class alone; else they are only reported.
    """
    stems = {f.path: original_of_name(f.path).rpartition("/")[2] for f in ours}
    codes = {path: match[0] for path, stem in stems.items() if (match := _P_CODE.match(stem))}
    codes = codes if len(codes) == len(ours) else {}
    found = {path: match for path, stem in stems.items() if (match := _spelt_person(stem))}
    sources = {path: f"{m['word'].casefold()} {int(m['number'])}" for path, m in found.items()}
    with_class = {(f.class_name, codes[f.path]) for f in ours if f.path in codes}
    if not sources and len(with_class) == len(set(codes.values())):
        sources = codes
    keys = set(sources.values())
    if len(keys) > len({f.class_name for f in ours} - {None}) and len(keys) > 1:
        shared = len(keys) < len({stems[path] for path in sources})
        if not shared:
            return fields, []
        return tuple(replace(f, source=sources.get(f.path, f.source)) for f in fields), [
            f"By their names, {counted(len(sources), 'photograph')} are of {len(keys)} patients, "
            f"slides or the like: {listed(list(dict.fromkeys(sources.values())))}. All of one are "
            "one source. If that is wrong, give the sources in a table or with --groups."
        ]
    maybe = sorted(set(codes.values()) or keys)
    if maybe and len(maybe) < len({stems[path] for path in codes or found}):
        return fields, [
            f"The names of the files may tell patients or slides ({listed(maybe)}), and each "
            "photograph is a source of its own: if they do, give the sources in a table or with "
            "--groups."
        ]
    return fields, []


def _spelt_person(stem: str) -> re.Match[str] | None:
    """Return the patient, or else the slide, that a stem has a word and a number for."""
    return _PATIENT_IN_NAME.search(stem) or _SLIDE_IN_NAME.search(stem)


def _first(
    names: tuple[str, ...],
    is_one: Callable[[str], bool],
    start: int = 0,
    stop: int | None = None,
) -> int | None:
    """Return the place of the outermost folder of a kind."""
    stop = len(names) if stop is None else stop
    return next((k for k in range(start, stop) if is_one(names[k])), None)


@_of_folders
def _key(names: tuple[str, ...], place: int) -> str:
    """Return the folders down to a patient's, without those of parts of a set and magnifications.

    A patient in ``train`` and in ``test`` is one.
    """
    above = [n for n in names[:place] if not describes_storage(one_form(n)) or n.isdecimal()]
    both = person_and_class(names[place])
    return "/".join(map(one_form, (*above, both[0] if both else names[place])))


def _codes(
    fields: list[Field], parts: dict[Path, tuple[str, ...]]
) -> tuple[dict[Path, str], list[str]]:
    """Return sources by folders of codes above those of the classes, or below them."""
    classes = {f.path: _class_place(f.class_name, parts[f.path]) for f in fields}
    known = {path: place for path, place in classes.items() if place is not None}
    class_of = {f.path: f.class_name for f in fields}
    for above in (True, False):
        places = {
            path: _first(parts[path], is_code, *((0, place) if above else (place + 1, None)))
            for path, place in known.items()
        }
        found = {path: place for path, place in places.items() if place is not None}
        names = {one_form(parts[path][place]) for path, place in found.items()}
        keys = {path: _key(parts[path], place) for path, place in found.items()}
        n_classes = len({folded(str(class_of[path])) for path in known})
        several = len(set(keys.values())) > (1 if above else n_classes)
        if not known or len(found) < len(known) or not several or _are_magnifications(names):
            continue
        if above and all(map(_SHORT_NUMBER.fullmatch, names)):
            of_key: dict[str, set[str | None]] = {}
            for path, key in keys.items():
                of_key.setdefault(key, set()).add(class_of[path])
            if max(map(len, of_key.values())) > 1:  # folds look like that too
                return {}, [
                    f"The folders {listed(sorted(names))} above the classes may be patients: if "
                    "so, give the sources in a table or with --groups."
                ]
        return keys, []
    return _others(known, parts, class_of), []


def _others(
    known: dict[Path, int], parts: dict[Path, tuple[str, ...]], class_of: dict[Path, str | None]
) -> dict[Path, str]:
    """Return the outermost folders, of any names, that divide the photographs as patients do.

    A name below several classes is one patient's. Days count only below the classes, where most are
    those of one class alone: else several patients' pictures were taken on one.
    They hold several photographs each, and most those of one class alone: views of the same
    pictures, and products, hold all classes. Of many each may hold several.
    """
    for above, by_day in ((True, False), (False, False), (False, True)):
        possible = {
            path: [
                k
                for k in (range(place) if above else range(place + 1, len(parts[path])))
                if (_DAY.fullmatch if by_day else _may_be_patient)(one_form(parts[path][k]))
            ]
            for path, place in known.items()
        }
        for level in range(min(map(len, possible.values()), default=0)):
            classes: dict[str, set[str]] = {}
            sources: dict[Path, str] = {}
            for path, places in possible.items():
                names = [*parts[path][: places[level] + 1]]
                if not above:
                    del names[known[path]]
                name = sources[path] = _key(tuple(names), len(names) - 1)
                classes.setdefault(name, set()).add(folded(str(class_of[path])))
            n_classes = len(set.union(*classes.values()))
            n_mixed = sum(len(own) > 1 for own in classes.values())
            apart = 1 < n_classes < len(classes) and n_mixed <= len(classes) / 2
            many = len(classes) >= MIN_DIVIDING_FOLDERS and not by_day
            if (apart or many) and len(known) >= 2 * len(classes):
                return sources
    return {}


@_of_folders
def _may_be_patient(folder: str) -> bool:
    """Whether a folder of any name may be a patient's: it is no part, view, date or number alone.

    >>> [_may_be_patient(n) for n in ("Adams", "Adams 0", "2021-101", "2021-03-01 Gray")]
    [True, True, True, True]
    >>> [_may_be_patient(n) for n in ("train", "fold1", "images", "40X", "100", "2023-01-01", "L1")]
    [False, False, False, False, False, False, False]
    >>> _may_be_patient("2021-03-01 run 2")
    False
    """
    name = one_form(folder)
    if (day := _DAY.match(name)) and day.end() < len(name):
        name = name[day.end() :].strip(" _-.,")
    is_part = describes_storage(name) or _DIVISION.fullmatch(name.casefold())
    return bool(_CASE.fullmatch(name)) or not (is_part or _DATE.fullmatch(name))


def _are_magnifications(names: set[str]) -> bool:
    return all(name.isdecimal() and int(name) in MAGNIFICATIONS for name in names)


@_of_folders
def _class_place(class_name: str | None, names: tuple[str, ...]) -> int | None:
    """Return the place of the folder that a field of the class has it from."""
    for place in reversed(range(len(names))):
        name = class_of_folder_name(names[place])
        if name and class_name and folded(name) == folded(class_name):
            return place
    return None
