"""Names of folders that tell a class and a number, a patient or a view; and which are diagnoses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from napari_marrow.data.layouts.names import class_of_folder_name, is_class_word, is_person
from napari_marrow.data.text import folded, one_form

# Kinds of patients, and people: nobody is of two of them.
_DIAGNOSIS = re.compile(
    r"all|aml|apl|cll|cml|mds|mm|health\w*|controls?|patients|cases|donors|gesunde?|kranke?"
    r"|kontrollen?|patient(?:en|innen)|leuka?emi[ac]s?|\w*(?:lymphoma|myeloma|an?a?emia)s?"
)
_CLASS_THEN_NUMBER = re.compile(r"(?P<class>.*[^\W\d_]{2})[\W_]*?(?P<rest>\d{1,4})")
# "3 ALL", "07_Meier_ALL"; "Meier, ALL", "Meier (ALL)"; not "T ALL", "2 acute leukaemia"
_NUMBER_THEN_CLASS = re.compile(
    r"(?P<rest>\d[\d\W_]*(?<=[\W_])(?:[A-Z][^\W\d_]{2,}[\W_]+)?)(?P<class>[A-Z]{2,4})"
)
_NAME_THEN_CLASS = re.compile(r"(?P<rest>[A-Z][^\W\d_]+)(?:, ?| ?\()(?P<class>[A-Z]{2,4})\)?")
VIEW = (
    r"(?:orig(?:inals?)?|raw|segment(?:ed|ations?)|masked|annotat(?:ed|ions?)|overlays?|cropped"
    r"|cut[\W_]*outs?|(?:(?:with|no|without)[\W_]*)?scale(?:[\W_]*bars?)?)"
)
"""Ways to show one picture that name the file or folder of a copy."""
_VIEW = re.compile(VIEW, re.IGNORECASE)
_CLASS_AND_VIEW = re.compile(
    rf"(?P<class>.*[^\W_])[\W_]+(?P<behind>{VIEW})|(?P<before>{VIEW})[\W_]+(?P<own>.*)",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)  # a folder holds many files, which all ask the same
def class_and_number(folder: str) -> tuple[str, str] | None:
    """Return the class, and the number or the patient's name, of a folder that may tell both.

    Whether it does, only the folders beside it show: see :func:`classes_of_folders`.

    >>> [class_and_number(n) for n in ("ALL 1", "normal02", "07_Meier_ALL", "Meier (ALL)")]
    [('ALL', '1'), ('normal', '02'), ('ALL', '07_Meier'), ('ALL', 'Meier')]
    >>> [class_and_number(n) for n in ("ALL", "L1", "lab 1", "01_immature_cells", "T ALL")]
    [None, None, None, None, None]
    """
    if is_person(folder):
        return None
    for pattern in (_CLASS_THEN_NUMBER, _NUMBER_THEN_CLASS, _NAME_THEN_CLASS):
        match = pattern.fullmatch(one_form(folder))
        if match and is_class_word(match["class"]):
            return match["class"], match["rest"].strip(" _-")
    return None


def classes_of_folders(folders: Iterable[str]) -> dict[str, str]:
    """Return the classes of folders that have a number, a patient or a view in their names, too.

    ``ALL 1``, ``ALL 2``, ``MM 1`` and ``MM 2`` are of the classes ``ALL`` and ``MM``, and
    ``ALL_segmented`` and ``MM_segmented`` are, beside these.

    >>> classes_of_folders(["ALL 1", "ALL 2", "MM 1", "MM 2"])
    {'ALL 1': 'ALL', 'ALL 2': 'ALL', 'MM 1': 'MM', 'MM 2': 'MM'}
    >>> classes_of_folders(["MDS 1", "MDS 2", "AML 1"]), classes_of_folders(["A", "A_segmented"])
    ({}, {})
    """
    names = sorted(set(folders))
    numbered = {n: both[0] for n in names if (both := class_and_number(n))}
    n_classes = len(set(map(folded, numbered.values())))
    if n_classes < 2 or len(numbered) < 2 * n_classes:
        numbered = {}
    own = {folded(n) for n in names}
    views = {n: both for n in names if (both := class_and_view(n)) and folded(both[0]) in own}
    counts = Counter(folded(view) for _, view in views.values())
    return numbered | {n: name for n, (name, view) in views.items() if counts[folded(view)] > 1}


@lru_cache(maxsize=4096)
def class_and_view(folder: str) -> tuple[str, str] | None:
    """Return the class and the way in which a folder may show its pictures.

    >>> [class_and_view(n) for n in ("ALL_segmented", "segmented ALL", "ALL_small", "segmented")]
    [('ALL', 'segmented'), ('ALL', 'segmented'), None, None]
    """
    match = _CLASS_AND_VIEW.fullmatch(one_form(folder))
    return match and (match["class"] or match["own"], match["behind"] or match["before"])


def is_view(folder: str) -> bool:
    """Whether a name says how the same pictures are shown that may be elsewhere, too.

    >>> [is_view(n) for n in ("Segmented", "with_scale_bar", "small", "Adams")]
    [True, True, False, False]
    """
    return bool(_VIEW.fullmatch(one_form(folder)))


@lru_cache(maxsize=4096)
def tells_class(folder: str, class_name: str) -> bool:
    """Whether a folder may have given its photographs a class."""
    both = filter(None, (class_and_number(folder), class_and_view(folder)))
    own = [class_of_folder_name(folder), *(name for name, _ in both)]
    return bool(class_name) and folded(class_name) in {folded(name) for name in own if name}


def is_diagnosis(class_name: str) -> bool:
    """Whether a class is one of people, of whom nobody is of two, and not of cells.

    >>> [is_diagnosis(n) for n in ("ALL", "Healthy donors", "myeloma", "blast", "normal", "L1")]
    [True, True, True, False, False, False]
    """
    return any(map(_DIAGNOSIS.fullmatch, re.findall(r"[^\W_]+", one_form(class_name).casefold())))
