"""Which files of a folder are tables of classes."""

from __future__ import annotations

import re
from pathlib import Path

from napari_marrow.data.csv_table import (
    columns,
    columns_by_role,
    is_own_table,
    is_table_name,
    read_rows_by_role,
)
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.layouts.listing import (
    folders_with_images,
    holds_results,
    images_in,
    list_folder,
    passed_over,
    subfolders,
)
from napari_marrow.data.layouts.names import can_be_class
from napari_marrow.data.layouts.one_hot import read_one_hot
from napari_marrow.data.masks import looks_like_mask
from napari_marrow.data.text import listed

MAX_DEPTH_APART = 3
"""Folders below folders, without photographs, in which tables are looked for."""
_PREDICTED = re.compile(r"submissions?(?![a-z])|(?<![a-z])predict(?:ions?|ed)(?![a-z])")
SAVED = "fields.csv"
"""The name that the widget gives the table it saves."""
_OF_ANYTHING = re.compile(r"types?(?:names?)?|categor\w*|kategorie|conditions?|annotations?")
"""Names of columns that may be about the files as well as about their classes."""


def tables_inside(folder: Path) -> list[Path]:
    """List the tables of classes beside photographs in folders below, but for saved ones."""
    tables = [t for p in folders_inside(folder) for t in list_folder(p) if gives_classes(t)]
    return [t for t in tables if not is_saved_table(t)]


def folders_inside(folder: Path) -> list[Path]:
    """List the folders below with photographs; not those of masks and of results."""
    places = folders_with_images(folder)
    return [p for p in places if not (looks_like_mask(p) or holds_results(p))]


def tables_apart(folder: Path, depth: int = MAX_DEPTH_APART) -> list[Path]:
    """List the tables in folders below that hold no photographs: ``labels`` beside ``images``."""
    found: list[Path] = []
    for sub in subfolders(folder):
        if not holds_results(sub) and not images_in(sub):
            found += filter(is_table_name, list_folder(sub))
            found += tables_apart(sub, depth - 1) if depth > 1 else []
    return found


def gives_classes(path: Path) -> bool:
    """Whether a file is a table that names photographs and their classes, in any spelling.

    Results are none: by their columns those of this program, by their names those of others.
    """
    if not is_table_name(path) or is_named_for_predictions(path):
        return False
    names = columns(path)
    if is_own_table(names):
        return False
    if {"image", "class"} <= columns_by_role(names).keys():
        return not tells_storage(path)
    return read_one_hot(path) is not None


def is_named_for_predictions(table: Path) -> bool:
    """Whether a table's classes were predicted by its name, or are to be: in no case the truth.

    >>> names = ("sample_submission.csv", "SubmissionFormat.csv", "my predictions.csv", "a.csv")
    >>> [is_named_for_predictions(Path(name)) for name in names]
    [True, True, True, False]
    """
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", table.stem)
    return bool(_PREDICTED.search(apart.casefold()))


def tells_storage(table: Path) -> bool:
    """Whether a column such as ``type`` has no classes in it, but ``train`` or ``png``."""
    if not class_column(table) or says_class(table):
        return False
    try:
        texts = {row["class"] for row in read_rows_by_role(table)}
    except MarrowError:
        return False  # reported where the table is read
    return bool(texts) and not any(map(can_be_class, texts))


def class_column(table: Path) -> str:
    """Return the name of the column with the classes; empty if there is none."""
    return columns_by_role(columns(table)).get("class", "")


def says_class(table: Path) -> bool:
    """Whether a column says outright that it has the classes, as ``type`` does not."""
    name = re.sub(r"[\W_]+", "", class_column(table).casefold())
    return bool(name) and not _OF_ANYTHING.fullmatch(name)


def say_folders_count(table: Path, name: str) -> str:
    """Return a sentence that folders count before a table, with its own classes."""
    try:
        marked = read_one_hot(table) or [[row["class"]] for row in read_rows_by_role(table)]
    except MarrowError as error:
        return passed_over(table, error)
    classes = listed(sorted({text for own in marked for text in own if text}))
    roles = columns_by_role(columns(table))
    where = f" in the column {roles['class']}" if "class" in roles else ""
    sources = f" For the sources in its column {roles.get('source')}, name it with --groups."
    return (
        f"{name} gives the classes {classes}{where}, and is passed over, as the folders give them; "
        "to use it, scan the table itself, beside or above its photographs."
        f"{sources if 'source' in roles else ''}"
    )


def is_saved_table(path: Path) -> bool:
    """Whether a file is a table of fields with the name of a saved one."""
    return path.name == SAVED and is_field_table(path)


def is_field_table(path: Path) -> bool:
    """Whether a file is a table that has the columns ``image`` and ``class`` by these names."""
    return gives_classes(path) and {"image", "class"} <= set(columns(path))
