"""Copies among the photographs: of the same pixels, and turned, mirrored, re-encoded, brightened.

Copies under two sources would stand on both sides of a split; copies in two classes are an error.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from napari_marrow.audit.copies import find_copies
from napari_marrow.audit.findings import Finding, SummarizedField, join_names
from napari_marrow.data.text import counted


@dataclass(frozen=True)
class CopyGroup:
    """Photographs that are one picture; ``kind`` and ``change`` say in which way."""

    kind: Literal["duplicate", "near-duplicate"]
    change: str
    photographs: tuple[SummarizedField, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """What the collection calls them."""
        return tuple(p.label for p in self.photographs)

    @property
    def classes(self) -> list[str]:
        """The classes they are in: of copies, one at the most."""
        return sorted({p.field.class_name for p in self.photographs if p.field.class_name})

    @property
    def sources(self) -> list[str]:
        """The sources they are under, each once, in order."""
        return list(dict.fromkeys(p.field.source for p in self.photographs))

    def finding(self) -> Finding:
        """Return what the user should know of the group."""
        sentence = f"{join_names(self.labels)} are {self.change}"
        if len(self.classes) > 1:
            sentence = (
                f"IN TWO CLASSES, {' and '.join(self.classes)}: {sentence}; at least one has the "
                "wrong class, so find out which and remove it before any training."
            )
        elif len(self.sources) > 1:
            sentence += ", under different sources, which are joined to one."
        else:
            sentence += "; they count as one source, and one of them is enough."
        return Finding(self.kind, sentence, self.labels)


def copies_sentences(groups: Sequence[CopyGroup]) -> list[str]:
    """Return what the user should know of all groups: two sentences at the most."""
    sentences = []
    mixed = [g.finding().sentence for g in groups if len(g.classes) > 1]
    if mixed:
        more = f" So is each of {len(mixed) - 3} more pictures." if mixed[3:] else ""
        sentences.append(" ".join(mixed[:3]) + more)
    joined = [g for g in groups if len(g.sources) > 1]
    if joined:
        photographs = sum(len(g.photographs) for g in joined)
        examples = [join_names(g.labels, 3) for g in joined[:3]] + ["..."] * (len(joined) > 3)
        sentences.append(
            f"{photographs} photographs are copies of one another by what they show and count as "
            f"{counted(len(joined), 'source')}, so that copies never stand on both sides of a "
            f"split: {'; '.join(examples)}."
        )
    return sentences


def find_duplicates(
    photographs: Sequence[SummarizedField],
) -> tuple[list[CopyGroup], list[SummarizedField]]:
    """Find photographs of the same pixels, whatever their format.

    Returns
    -------
    groups, different
        The second has one photograph of each group of copies.
    """
    by_digest: dict[bytes, list[SummarizedField]] = defaultdict(list)
    for p in photographs:
        by_digest[p.summary.digest].append(p)
    groups: list[CopyGroup] = []
    copies: set[str] = set()
    for first, *others in by_digest.values():
        same = [o for o in others if np.array_equal(first.field.open(), o.field.open())]
        if same:
            change = "the same picture, pixel for pixel"
            groups.append(CopyGroup("duplicate", change, (first, *same)))
            copies.update(o.label for o in same)
    return groups, [p for p in photographs if p.label not in copies]


def find_near_duplicates(photographs: Sequence[SummarizedField]) -> list[CopyGroup]:
    """Find turned, mirrored, re-encoded or brightened copies; those of one source are no news."""
    if not photographs:
        return []
    copies = find_copies(np.stack([p.summary.signature for p in photographs]))
    shape = (len(photographs), len(photographs))
    graph = coo_array((np.ones(len(copies.first)), (copies.first, copies.second)), shape)
    numbers = connected_components(graph, directed=False)[1]
    members: dict[int, list[SummarizedField]] = defaultdict(list)
    for p, number in zip(photographs, numbers.tolist(), strict=True):
        members[number].append(p)
    turned = set(numbers[copies.first[copies.is_turned]].tolist())
    groups = []
    for number in dict.fromkeys(numbers[copies.first].tolist()):
        change = "turned or mirrored" if number in turned else "saved or developed in another way"
        group = CopyGroup("near-duplicate", f"one picture, {change}", tuple(members[number]))
        if len(group.sources) > 1:
            groups.append(group)
    return groups


def joined_sources(groups: Iterable[CopyGroup]) -> list[list[str]]:
    """Return the sources of each group that has several."""
    return [g.sources for g in groups if len(g.sources) > 1]
