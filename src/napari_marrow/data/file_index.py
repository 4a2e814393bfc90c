"""Find the files that a person's table names, however it spells them."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Generic, TypeVar
from urllib.parse import unquote

from napari_marrow.data.csv_table import Role
from napari_marrow.data.images import is_image_name
from napari_marrow.data.text import folded, in_windows_1252, printable

Found = TypeVar("Found")


def _without_leading_zeros(text: str) -> str:
    """Return the folded text, with 1 for 001 (spreadsheets drop the zeros), 1.0 and 1,00."""
    whole = re.sub(r"^(\d+)[.,]0+$", r"\1", folded(text))
    return re.sub(r"(?<![\d.])0+(?=\d)", "", whole)


_SPELLINGS: tuple[Callable[[str], str], ...] = (printable, folded, _without_leading_zeros)
"""What two spellings of one name have in common, the most exact first."""
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:|[/\\]", re.IGNORECASE)
"""How a path begins that may be of another machine: ``D:\\``, ``/home``, ``file:``."""


@dataclass
class _Keys:
    """Files by their whole paths, and by the ends of these; with and without suffix."""

    paths: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    ends: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


class FileIndex(Generic[Found]):
    r"""Files by all that a table may call them.

    In this order: the path, its end (``1.png`` of ``ALL/1.png``), both also without the suffix; the
    same in another Unicode form or with other capitals; the same without leading zeros; a picture
    of the same name in another format. A table may write ``\\`` for ``/``, more
    folders than there are here, or ``file:`` addresses. Of a path relative to the table the folders
    agree with those of the file; an absolute one may be of another machine.

    Parameters
    ----------
    files
        What :meth:`find` returns, by the path below a common folder, with ``/``.
    """

    def __init__(self, files: Mapping[str, Found]):
        self._files = files
        self._folders = {folded(part) for path in files for part in PurePosixPath(path).parts[:-1]}
        self._levels: dict[int, _Keys] = {}

    def find(self, name: str) -> list[Found]:
        """Return the file of this name; several where it is not clear which, or none."""
        return [self._files[path] for path in self._paths(name)]

    def find_all(self, names: Sequence[str]) -> list[list[Found]]:
        """Find the files of all names of a table, none of them by names with different folders."""
        paths = [self._paths(name) for name in names]
        meant = in_one_folder(names, [own[0] if len(own) == 1 else None for own in paths])
        return [
            [self._files[path] for path in own] if is_meant or len(own) > 1 else []
            for own, is_meant in zip(paths, meant, strict=True)
        ]

    def _paths(self, name: str) -> list[str]:
        is_address = name.casefold().startswith("file:")
        name = unquote(name) if is_address else name
        several = self._spelt(name)
        if not several and is_image_name(Path(name)):  # saved anew in another format
            several = self._spelt(str(PurePosixPath(name.replace("\\", "/")).with_suffix("")))
        return several

    def _spelt(self, name: str) -> list[str]:
        """Return the files of this name, or of another spelling of it."""
        several: list[str] = []
        for text in dict.fromkeys((name, name.replace("\\", "/"))):
            for number in range(len(_SPELLINGS)):
                for found in self._matches(number, text):
                    if len(found) == 1:
                        return found
                    several = several or found
        return several

    def _matches(self, number: int, text: str) -> Iterator[list[str]]:
        keys, spell = self._keys(number), _SPELLINGS[number]
        parts = [part for part in PurePosixPath(text).parts if part != ".."]
        for start in range(len(parts)):
            key = spell("/".join(parts[start:]))
            if key in keys.paths:
                yield keys.paths[key]
            if key in keys.ends and (start == 0 or _ABSOLUTE.match(text)):
                yield keys.ends[key]
            if folded(parts[start]) in self._folders:
                return  # in that folder there is no such file

    def _keys(self, number: int) -> _Keys:
        if number not in self._levels:
            keys, spell = _Keys(), _SPELLINGS[number]
            for path in self._files:
                paths: dict[str, None] = {}
                ends: dict[str, None] = {}
                for text in {path, in_windows_1252(path)}:
                    parts = PurePosixPath(text).parts
                    for start in range(len(parts)):
                        end = PurePosixPath(*parts[start:])
                        both = (spell(end.as_posix()), spell(end.with_suffix("").as_posix()))
                        (ends if start else paths).update(dict.fromkeys(both))
                for own, where in ((paths, keys.paths), (ends, keys.ends)):
                    for key in own:
                        where[key].append(path)
            self._levels[number] = keys
        return self._levels[number]


def find_rows(
    rows: list[dict[Role, str]], find: Callable[[list[str]], list[list[Found]]]
) -> list[list[Found]]:
    """Find the file of each row; of several of one name that in the folder which the row names.

    That is in the column for folders, or for sources (patients). The rows' images get it, too.

    Parameters
    ----------
    find
        Returns the files of each name.
    """
    names = [row["image"] for row in rows]
    found = find(names)
    folders = [row.get("folder") or row.get("source", "") for row in rows]
    of_name: dict[str, set[str]] = defaultdict(set)
    for name, folder in zip(names, folders, strict=True):
        of_name[name].add(folded(folder))
    longer = [
        f"{folder}/{name}" if folder and (len(own) > 1 or len(of_name[name]) > 1) else name
        for name, folder, own in zip(names, folders, found, strict=True)
    ]
    again = find(longer) if longer != names else found
    both = zip(names, longer, again, strict=True)
    if not any(own for name, long, own in both if name != long):
        return found
    for row, name in zip(rows, longer, strict=True):
        row["image"] = name
    return again


def in_one_folder(names: Sequence[str], paths: Sequence[str | None]) -> list[bool]:
    """Return which names of a table mean the file that they were found as.

    Where names with different folders were all found as one file, those mean it of which more
    folders agree with its path; none if it is not clear which.

    >>> in_one_folder(["P01/1.png", "/x/P02/1.png"], ["P01/1.png", "P01/1.png"])
    [True, False]
    >>> in_one_folder(["a/1.png", "b/1.png", "2.png"], ["1.png", "1.png", "2.png"])
    [False, False, True]
    """
    written = [_folders(name) for name in names]
    agreeing: dict[str, dict[tuple[str, ...], int]] = defaultdict(dict)
    for own, path in zip(written, paths, strict=True):
        if path is not None:
            agreeing[path][own] = _n_common(own, _folders(path))
    meant: dict[str, tuple[str, ...] | None] = {}
    for path, by_folders in agreeing.items():
        most = max(by_folders.values())
        best = [own for own, n in by_folders.items() if n == most]
        longest = max(best, key=len)
        meant[path] = longest if all(_is_end(own, longest) for own in best) else None
    return [
        path is not None and (of_path := meant[path]) is not None and _is_end(own, of_path)
        for own, path in zip(written, paths, strict=True)
    ]


def are_folders_other(name: str, path: str) -> bool:
    """Whether a file is in another folder than a table says.

    >>> [are_folders_other("D:/a/1.png", path) for path in ("1.png", "a/1.png", "b/a/1.png")]
    [False, False, True]
    """
    written, here = _folders(name), _folders(path)
    return _n_common(written, here) < min(len(written), len(here))


def _folders(path: str) -> tuple[str, ...]:
    parts = PurePosixPath(path.replace("\\", "/")).parts[:-1]
    return tuple(_without_leading_zeros(part) for part in parts if part != "..")


def _n_common(first: tuple[str, ...], second: tuple[str, ...]) -> int:
    pairs = zip(reversed(first), reversed(second), strict=False)
    return len([*itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)])


def _is_end(end: tuple[str, ...], folders: tuple[str, ...]) -> bool:
    return _n_common(end, folders) == len(end)
