"""Which of the open files those are that labels were made for: content decides, then path.

Every file that has the content is the one, whatever its name and folder: the one of the same path,
else of the likest. Where no open file has it, the one of the same path was changed in its place.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from napari.layers import Layer

from napari_marrow.data.fingerprint import fingerprint
from napari_marrow.viewer.layer_info import LayerInfo, slice_contents, slice_files


class Slices(NamedTuple):
    """The files of the slices of photographs, and the fingerprint of each; '' where unknown."""

    files: tuple[Path, ...]
    contents: tuple[str, ...]

    @classmethod
    def of(cls, *photographs: Layer) -> Slices:
        """Return those of open photographs."""
        files = [path for x in photographs for path in slice_files(x)]
        return cls(tuple(files), tuple(c for x in photographs for c in slice_contents(x)))


@dataclass(frozen=True)
class Match:
    """Which slices the files of an origin are.

    Attributes
    ----------
    rows
        By file of the origin; None where it is no slice.
    changed
        Files of the origin whose path a slice has, but no slice their content.
    n_contents, n_folders
        Number of files known by their content, and of the parts of paths that stayed the same.
    """

    rows: tuple[int | None, ...]
    changed: tuple[Path, ...]
    n_contents: int
    n_folders: int

    @property
    def complete(self) -> bool:
        """Whether each file is a slice."""
        return None not in self.rows

    @property
    def in_order(self) -> bool:
        """Whether the files are slices in the order of these, without others in between."""
        return self.rows == (*range(len(self.rows)),)


def match(info: LayerInfo, slices: Slices) -> Match:
    """Return which slices the files of a layer's origin are."""
    origin, (files, contents) = info.origin, slices
    saved = info.contents if len(info.contents) == len(origin) else ("",) * len(origin)
    # Of labels saved by an earlier version the file may still be there, and have been copied.
    known = [text or fingerprint(path) for text, path in zip(saved, origin, strict=True)]
    paths, present = [*map(_parts, origin)], [*map(_parts, files)]
    same_path, same_content = _same(paths, present), _same(known, contents)
    found = _assigned({}, [x for x in same_path if known[x[0]] == contents[x[1]] != ""])
    found = _assigned(found, _likest_first(_left(same_content, found), origin, files))
    n_contents = len(found)
    found = _assigned(found, same_path)
    changed = [k for k in [*found][n_contents:] if saved[k] and contents[found[k]]]
    same_name = _same([_nfc(stem(x)) for x in origin], [_nfc(stem(x)) for x in files])
    known_paths, named = {*paths}, defaultdict[int, dict[int, Path]](dict)
    for k, row in _left(same_name, found):
        unknown = not (known[k] and contents[row]) and present[row] not in known_paths
        if unknown and _is_of_its_name(origin[k], files[row]):
            named[k][row] = files[row]
    found = _assigned(found, [pair for k in named for pair in _moved(k, origin[k], named[k])])
    rows = tuple(map(found.get, range(len(origin))))
    n_folders = sum(n_alike(origin[k], files[row]) for k, row in found.items())
    return Match(rows, tuple(origin[k] for k in changed), n_contents, n_folders)


Pair = tuple[int, int]
"""A file of an origin, and a slice."""


def _same(keys: Sequence[Hashable], others: Sequence[Hashable]) -> list[Pair]:
    """All pairs of which both have the same key; none of those without one."""
    rows = defaultdict[Hashable, list[int]](list)
    for row, key in enumerate(others):
        rows[key].append(row)
    return [(k, row) for k, key in enumerate(keys) if key for row in rows[key]]


def _left(pairs: Sequence[Pair], found: Mapping[int, int]) -> list[Pair]:
    """The pairs of files and slices that are not found yet."""
    taken = {*found.values()}
    return [(k, row) for k, row in pairs if k not in found and row not in taken]


def _assigned(found: Mapping[int, int], pairs: Sequence[Pair]) -> dict[int, int]:
    """``found`` with these pairs, the first ones first, each file and each slice once."""
    found, taken = dict(found), {*found.values()}
    for k, row in pairs:
        if k not in found and row not in taken:
            found[k] = row
            taken.add(row)
    return found


def _likest_first(
    pairs: Sequence[Pair], origin: Sequence[Path], files: Sequence[Path]
) -> list[Pair]:
    """Sort pairs by their likeness; of equal ones that first of which most files moved so."""
    n = {(k, row): n_alike(origin[k], files[row]) for k, row in pairs}
    move = {
        (k, row): (
            _parts(origin[k])[: -n[k, row] or None],
            _parts(files[row])[: -n[k, row] or None],
        )
        for k, row in pairs
    }
    n_moves = Counter(move.values())
    return sorted(pairs, key=lambda x: (n[x], n_moves[move[x]]), reverse=True)


def _moved(k: int, path: Path, others: Mapping[int, Path]) -> list[Pair]:
    """The pair of a file and the likest of others; none where several are as alike."""
    alike = {row: n_alike(path, x) for row, x in others.items()}
    best = [row for row, n in alike.items() if n == max(alike.values())]
    return [(k, best[0])] if len(best) == 1 else []


def _is_of_its_name(path: Path, other: Path) -> bool:
    """Whether files of unknown content can be one: by the folder, too, of a product by its file."""
    if len(path.parts) == 1 or len(other.parts) == 1:  # of pixels in no file a name is known
        return len(path.parts) != len(other.parts)
    n = n_alike(path, other)
    return n > 2 or (n == 2 and other.is_file())


def stem(path: Path) -> str:
    """Return the name of a photograph: of its file, or of pixels that are in none."""
    return path.stem if len(path.parts) > 1 else path.name


def n_alike(path: Path, other: Path) -> int:
    """Return how many parts of two paths are the same: their names, then folders upwards."""
    pairs = zip(reversed(_parts(path)), reversed(_parts(other)), strict=False)
    return next((k for k, (one, two) in enumerate(pairs) if one != two), len(path.parts))


@cache
def _parts(path: Path) -> tuple[str, ...]:
    return tuple(map(_nfc, path.parts))


def _nfc(name: str) -> str:
    """A name in one of its Unicode forms; computers write it in either."""
    return unicodedata.normalize("NFC", name)
