"""Tables with a column for each class, in which 1 marks the one that a photograph is of."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from napari_marrow.data.csv_table import columns, columns_by_role, read_named_rows
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.layouts.names import can_be_class
from napari_marrow.data.text import folded

MIN_CLEAR_ROW_SHARE = 0.5
"""Share of the rows with a single 1, for columns of 0 and 1 to be classes."""
_YES = frozenset(
    {"true", "t", "yes", "y", "wahr", "ja", "j", "vrai", "oui", "x", "\u2713", "\u2714"}
)
_NO = frozenset({"", "false", "f", "no", "n", "falsch", "nein", "faux", "non", "-"})
_SEXES = frozenset({"m", "f", "w", "d"})
# what is known of a patient or a picture beside its class
_OTHER = re.compile(
    r"(?:is_|has_)?(?:(?:fe)?male|(?:wo)?m[ae]n|m(?:ä|ae|a)nn(?:lich)?|weiblich|frau|divers|sex|gender|geschlecht|age"
    r"|n|(?:.*_)?(?:counts?|numbers?)|n(?:um)?_.*|index|idx|nr|no|row|unnamed.*"
    r"|.*smoker|raucher|fever|fieber|pregnant|treated|untreated|alive|dead"
    r"|(?:out_of_|in_)?focus(?:ed)?|blurr?(?:ed|y)?|sharp|unscharf|scharf|(?:over|under)_?exposed"
    r"|(?:un)?(?:checked|reviewed|verified|used|usable)|discarded|(?:ex|in)cluded?|accepted"
    r"|rejected|good|bad|duplicated?|corrupt(?:ed)?|artefacts?|artifacts?)"
)


def read_one_hot(table: Path) -> list[list[str]] | None:
    """Read the classes that each row of a table marks: one, but in rows that are not clear.

    Of columns with nothing but 0 and 1 (also 1.0, True), those count that may be classes by their
    names, and of which most rows mark one. A further one that only makes rows unclear is no class.

    Returns
    -------
    list of list of str or None
        None where the columns are not those of classes.
    """
    roles = columns_by_role(columns(table))
    if "image" not in roles or "class" in roles:
        return None
    try:
        rows = read_named_rows(table)
    except MarrowError:
        return None  # reported where the table is read
    names = [name for name in (rows[0] if rows else ()) if _may_be_class(name, {*roles.values()})]
    sexes = [name for name in names if folded(name) in _SEXES]
    names = [name for name in names if len(sexes) < 2 or name not in sexes]
    marks = {name: [_mark(row[name]) for row in rows] for name in names}
    found = {name: [bool(mark) for mark in own] for name, own in marks.items() if None not in own}
    if not _are_clear(found):
        less = [{n: own for n, own in found.items() if n != name} for name in found]
        clear = [part for part in less if _are_clear(part)]
        found = clear[0] if len(clear) == 1 else found
    marked = _marked(found)
    alone = {own[0] for own in marked if len(own) == 1}
    n_clear = sum(len(own) == 1 for own in marked)
    if len(alone) < 2 or n_clear < MIN_CLEAR_ROW_SHARE * len(rows):
        return None
    prefix = _prefix(list(found))
    return [[name[len(prefix) :] for name in own] for own in marked]


def _may_be_class(name: str, others: Collection[str]) -> bool:
    return not (name.lower() in others or is_beside_class(name)) and can_be_class(name)


def is_beside_class(name: str) -> bool:
    """Whether a name is about the picture or the patient, beside the class.

    >>> [is_beside_class(n) for n in ("good", "Over-exposed", "male", "treated", "normal")]
    [True, True, True, True, False]
    """
    return bool(_OTHER.fullmatch(re.sub(r"[\W_]+", "_", folded(name))))


def _mark(text: str) -> bool | None:
    """Return whether a text is a 1 or a 0; None if neither.

    >>> [_mark(t) for t in ("1,0", "1.000e+00", "WAHR", "x", "nein", "", "0.5", "2")]
    [True, True, True, True, False, False, None, None]
    """
    text = folded(text).replace(",", ".")
    if text in _YES or text in _NO:
        return text in _YES
    try:
        return {0.0: False, 1.0: True}.get(float(text))
    except ValueError:
        return None


def _marked(marks: Mapping[str, list[bool]]) -> list[list[str]]:
    """Return the columns that each row marks."""
    rows = zip(*marks.values(), strict=True)
    return [[name for name, is_one in zip(marks, row, strict=True) if is_one] for row in rows]


def _are_clear(marks: Mapping[str, list[bool]]) -> bool:
    """Whether each row marks one of several columns."""
    marked = _marked(marks)
    return len({*map(tuple, marked)}) > 1 and all(len(own) == 1 for own in marked)


def _prefix(names: list[str]) -> str:
    """Return what pandas writes before each class: the name of the column it was in.

    >>> _prefix(["cell_type_ALL", "cell_type_AML"]), _prefix(["B_cell", "B_lymphoma"])
    ('cell_type_', '')
    """
    head, line, _ = os.path.commonprefix(names).rpartition("_")  # noqa: RUF071 (texts, not paths)
    return head + line if "class" in columns_by_role([head]) else ""
