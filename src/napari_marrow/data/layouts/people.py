"""Folders of patients, slides and the like, above or below those of the classes: the sources."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from napari_marrow.data.fields import Field
from napari_marrow.data.layouts.class_names import class_and_number, is_diagnosis, tells_class
from napari_marrow.data.layouts.names import (
    class_of_folder_name,
    describes_storage,
    is_class_word,
    is_patient_of_name,
    is_person,
    person_and_class,
)
from napari_marrow.data.layouts.people_in_files import sources_of_file_names
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
MIN_DIVIDING_FOLDERS = 4
"""Of other names, of which each holds several classes: fewer may be views of one picture."""
_of_folders = lru_cache(maxsize=4096)  # a folder holds many files, which all ask the same
_SHORT_NUMBER = re.compile(r"\d{1,2}")
_LARGE_NUMBER = re.compile(r"[1-9]\d\d|\d\D+\d")


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
    the photographs as patients do. Where a table or the names of files give the classes, all
    folders are above these. Parts of a set and magnifications do not count. Without such
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
    found = [_found(f, root) for f in ours]
    persons = [one for one in (one.with_person() for one in found) if one.place is not None]
    named, warnings = (persons, list[str]()) if persons else _codes(found)
    sources = _keys(named)
    folders = list(dict.fromkeys(sources.values()))
    if len(folders) < 2:  # one alone divides nothing
        fields, notes = sources_of_file_names(fields, ours)
        return fields, [*warnings, *notes]
    by_words = all(is_person(one.names[one.place or 0]) for one in named)
    kind = "of patients, slides or the like, by the names" if by_words else "taken as sources"
    warnings.append(
        f"{counted(len(sources), 'photograph')} in {counted(len(folders), 'folder')} {kind}: "
        f"{listed(folders)}. All of one folder are one source{_say_of_several(named, sources)}. "
        "If that is wrong, give the sources in a table or with --groups."
    )
    return tuple(replace(f, source=sources.get(f.path, f.source)) for f in fields), warnings


@dataclass(frozen=True)
class _Found:
    """A photograph in its folders.

    Attributes
    ----------
    names
        Of the folders, the outermost first.
    class_name
        Folded; empty if it has none.
    class_place
        Index of the folder that gives the class; None where a table or the file's name does.
    place
        Index of the patient's folder, if one is known.
    """

    path: Path
    names: tuple[str, ...]
    class_name: str
    class_place: int | None
    place: int | None = None

    @property
    def above(self) -> range:
        """The folders above that of the class; all, where no folder gives it."""
        return range(len(self.names) if self.class_place is None else self.class_place)

    @property
    def below(self) -> range:
        return range(len(self.above) + 1, len(self.names))

    @property
    def folder(self) -> str:
        """Name of the patient's folder, without the class that it may tell, too."""
        name = self.names[self.place or 0]
        return one_form((person_and_class(name) or [name])[0])

    @property
    def may_be_anew(self) -> bool:
        """Whether each class may count its own: ``1``, ``P01``, ``Patient 2``, ``Slide_B``."""
        is_number = is_person(self.folder) or is_code(self.folder)
        return is_number and not _LARGE_NUMBER.search(self.folder)

    @property
    def is_in_class(self) -> bool:
        """Whether the patient's folder is below that of the class, or the same."""
        return self.class_place is not None and (self.place or 0) >= self.class_place

    def with_first(self, is_one: Callable[[str], bool], among: range) -> _Found:
        """Take the outermost folder of a kind for the patient's."""
        return replace(self, place=next((k for k in among if is_one(self.names[k])), None))

    def with_person(self) -> _Found:
        """Take the folder of one person, or that of a class and a number (``ALL 2``)."""
        found = self.with_first(is_person, range(len(self.names)))
        if found.place is None and self.class_place is not None:
            name = self.names[self.class_place]
            both = class_and_number(name)
            if both and folded(both[0]) == self.class_name != folded(name):
                return replace(self, place=self.class_place)
        return found


def _found(field: Field, root: Path) -> _Found:
    names = field.path.relative_to(root).parts[:-1]
    place = _class_place(field.class_name or "", names)
    return _Found(field.path, names, folded(field.class_name or ""), place)


def _keys(found: Iterable[_Found]) -> dict[Path, str]:
    """Return the source of each photograph: its patient's folder, with those above.

    One name below several classes is one patient's. Of a number in several diagnoses each is one.
    """
    keys = {one.path: _key(one.names, one.place or 0, one.class_place) for one in found}
    classes = dict[str, set[str]]()
    for one in found:
        classes.setdefault(keys[one.path], set()).add(one.class_name)
    for one in found:
        own = classes[keys[one.path]]
        if one.is_in_class and one.may_be_anew and len(own) > 1 and all(map(is_diagnosis, own)):
            class_name = class_of_folder_name(one.names[one.class_place or 0])
            keys[one.path] = f"{class_name}/{keys[one.path]}"
    return keys


@_of_folders
def _key(names: tuple[str, ...], place: int, class_place: int | None) -> str:
    """Return the folders down to a patient's, without that of the class and parts of a set.

    A patient in ``train`` and in ``test``, or of two kinds of cells, is one.
    """
    above = [
        name
        for k, name in enumerate(names[:place])
        if k != class_place and (not describes_storage(one_form(name)) or name.isdecimal())
    ]
    both = person_and_class(names[place])
    return "/".join(map(one_form, (*above, both[0] if both else names[place])))


def _say_of_several(found: list[_Found], sources: dict[Path, str]) -> str:
    """Return what to add to a sentence where folders of one name are in several classes."""
    inside = [one for one in found if one.is_in_class]
    said = ""
    if shared := sorted(key for key, own in _classes_of(inside).items() if len(own) > 1):
        said += (
            f", and so are folders of one name in several classes ({listed(shared)}), which may be "
            "numbered anew in each"
        )
    plain = {_key(one.names, one.place or 0, one.class_place) for one in inside}
    if apart := sorted(plain - {*sources.values()}):
        said += f"; of one number in several diagnoses ({listed(apart)}) each is a source"
    return said


def _codes(found: list[_Found]) -> tuple[list[_Found], list[str]]:
    """Return photographs with folders of codes above those of the classes, or below them."""
    by_file = all(one.class_place is None for one in found)
    known = [one for one in found if one.names and (by_file or one.class_place is not None)]
    known = [one for one in known if one.class_name] or known
    for above in (True, False):
        placed = [one.with_first(is_code, one.above if above else one.below) for one in known]
        if not known or any(one.place is None for one in placed):
            continue
        names = {one.folder for one in placed}
        groups = _classes_of(placed)
        divide = len(groups) > 1 if above and not by_file else _divide_classes(groups)
        if not divide or _are_magnifications(names):
            continue
        if (
            above
            and all(map(_SHORT_NUMBER.fullmatch, names))
            and max(map(len, groups.values())) > 1
        ):
            return [], [_may_be_patients(names)]  # folds look like that too
        return placed, []
    return _others(known, by_file)


def _classes_of(found: Iterable[_Found]) -> dict[str, set[str]]:
    """Return the classes of each source."""
    found = list(found)
    keys, classes = _keys(found), dict[str, set[str]]()
    for one in found:
        classes.setdefault(keys[one.path], set()).add(one.class_name)
    return classes


def _divide_classes(groups: Mapping[str, set[str]]) -> bool:
    """Whether a class is in several folders; else these are the classes by other names."""
    return sum(map(len, groups.values())) > len(set().union(*groups.values()))


def _may_be_patients(names: Iterable[str]) -> str:
    return (
        f"The folders {listed(sorted(names))} above the classes may be patients: if so, give the "
        "sources in a table or with --groups."
    )


def _others(known: list[_Found], by_file: bool) -> tuple[list[_Found], list[str]]:
    """Return photographs with folders of any names that divide them as patients do.

    Days count only below the classes, where most are those of one class alone: else several
    patients' pictures were taken on one. Folders hold several photographs each, and most those of
    one class alone: views of the same pictures, and products, hold all classes. Of many each may
    hold several; where they are few, and no folder gives the classes, they are only reported.
    """
    for above, by_day in ((True, False), (False, False), (False, True)):
        is_one = _DAY.fullmatch if by_day else _may_be_patient
        possible = [
            [
                k
                for k in (one.above if above else one.below)
                if is_one(one_form(one.names[k]))
                and not (by_file and _is_about_files(one.names[k]))
            ]
            for one in known
        ]
        for level in range(min(map(len, possible), default=0)):
            placed = [replace(x, place=own[level]) for x, own in zip(known, possible, strict=True)]
            groups = _classes_of(placed)
            n_classes = len(set().union(*groups.values()))
            n_mixed = sum(len(own) > 1 for own in groups.values())
            apart = 1 < n_classes < len(groups) and n_mixed <= len(groups) / 2
            many = len(groups) >= MIN_DIVIDING_FOLDERS and not by_day
            if len(known) < 2 * len(groups) or (by_file and not _divide_classes(groups)):
                continue
            if apart or many:
                return placed, []
            if by_file:
                return [], [_may_be_patients(groups)]
    return [], []


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
def _class_place(class_name: str, names: tuple[str, ...]) -> int | None:
    """Return the place of the folder that a field of the class has it from."""
    places = reversed(range(len(names)))
    return next((k for k in places if tells_class(names[k], class_name)), None)


@_of_folders
def _is_about_files(folder: str) -> bool:
    """Whether a name is a word for a class, or mentions how data are kept, as patients' do not.

    >>> [_is_about_files(n) for n in ("HAM10000_images_part_1", "ALL_IDB1", "Adams", "H23-1001")]
    [True, True, False, False]
    """
    words = re.findall(r"[^\W\d_]+", one_form(folder))
    return is_class_word(folder) or any(
        describes_storage(w) or _DIVISION.fullmatch(w.casefold()) for w in words
    )
