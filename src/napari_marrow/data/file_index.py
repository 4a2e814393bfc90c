"""Find the files that a person's table names, however it spells them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Generic, TypeVar
from urllib.parse import unquote

from napari_marrow.data.images import is_image_name
from napari_marrow.data.text import folded, in_windows_1252, printable

Found = TypeVar("Found")


def _without_leading_zeros(text: str) -> str:
    """Return the folded text, with 1 for 001 (spreadsheets drop the zeros), 1.0 and 1,00."""
    whole = re.sub(r"^(\d+)[.,]0+$", r"\1", folded(text))
    return re.sub(r"(?<![\d.])0+(?=\d)", "", whole)


_SPELLINGS: tuple[Callable[[str], str], ...] = (printable, folded, _without_leading_zeros)
"""What two spellings of one name have in common, the most exact first."""


@dataclass
class _Keys(Generic[Found]):
    """Files by their whole paths, and by the ends of these; with and without suffix."""

    paths: dict[str, list[Found]] = field(default_factory=lambda: defaultdict(list))
    ends: dict[str, list[Found]] = field(default_factory=lambda: defaultdict(list))


class FileIndex(Generic[Found]):
    r"""Files by all that a table may call them.

    In this order: the path, its end (``1.png`` of ``ALL/1.png``), both also without the suffix; the
    same in another Unicode form or with other capitals; the same without leading zeros; a picture
    of the same name in another format. A table may write ``\\`` for ``/``, more
    folders than there are here, or ``file:`` addresses.

    Parameters
    ----------
    files
        What :meth:`find` returns, by the path below a common folder, with ``/``.
    """

    def __init__(self, files: Mapping[str, Found]):
        self._files = files
        self._folders = {folded(part) for path in files for part in PurePosixPath(path).parts[:-1]}
        self._levels: dict[int, _Keys[Found]] = {}

    def find(self, name: str) -> list[Found]:
        """Return the file of this name; several where it is not clear which, or none."""
        is_address = name.casefold().startswith("file:")
        name = unquote(name) if is_address else name
        several = self._spelt(name)
        if not several and is_image_name(Path(name)):  # saved anew in another format
            several = self._spelt(str(PurePosixPath(name.replace("\\", "/")).with_suffix("")))
        return several

    def _spelt(self, name: str) -> list[Found]:
        """Return the files of this name, or of another spelling of it."""
        several: list[Found] = []
        for text in dict.fromkeys((name, name.replace("\\", "/"))):
            for number in range(len(_SPELLINGS)):
                for found in self._matches(number, text):
                    if len(found) == 1:
                        return found
                    several = several or found
        return several

    def _matches(self, number: int, text: str) -> Iterator[list[Found]]:
        keys, spell = self._keys(number), _SPELLINGS[number]
        parts = PurePosixPath(text).parts
        for start in range(len(parts)):
            key = spell("/".join(parts[start:]))
            if key in keys.paths:
                yield keys.paths[key]
            if key in keys.ends:
                yield keys.ends[key]
            if folded(parts[start]) in self._folders:
                return  # in that folder there is no such file

    def _keys(self, number: int) -> _Keys[Found]:
        if number not in self._levels:
            keys, spell = _Keys[Found](), _SPELLINGS[number]
            for path, file in self._files.items():
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
                        where[key].append(file)
            self._levels[number] = keys
        return self._levels[number]
