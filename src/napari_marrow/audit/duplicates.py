"""Copies among the photographs: of the same pixels, and turned, mirrored, re-encoded, brightened.

Copies under two sources would stand on both sides of a split; copies in two classes are an error.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from napari_marrow.audit.findings import Finding, SummarizedField, join_names
from napari_marrow.audit.image_summary import ImageSummary, turned

MAX_HASH_BITS = 10
"""By which the hashes of copies differ, of 64: re-encoded ones differ by 6 at most."""
# Copies saved as JPEG of quality 60 and made brighter reach 0.99 and 0.93; different photographs
# of ALL-IDB2, C-NMC, SegPC and SN-AM 0.98 and 0.79 (two of one cell are among these).
MIN_CORRELATION, MIN_DETAIL_CORRELATION = 0.985, 0.87
MAX_BLACK = 8
DETAIL_PX = 3


def find_duplicates(
    photographs: Sequence[SummarizedField],
) -> tuple[list[Finding], list[SummarizedField]]:
    """Find photographs of the same pixels, whatever their format.

    Returns
    -------
    findings, different
        The second has one photograph of each group of copies.
    """
    by_digest: dict[bytes, list[SummarizedField]] = defaultdict(list)
    for p in photographs:
        by_digest[p.summary.digest].append(p)
    findings: list[Finding] = []
    copies: set[str] = set()
    for first, *others in by_digest.values():
        same = [o for o in others if np.array_equal(first.field.open(), o.field.open())]
        if same:
            what = "the same picture, pixel for pixel"
            findings.append(_copies_finding("duplicate", [first, *same], what))
            copies.update(o.label for o in same)
    return findings, [p for p in photographs if p.label not in copies]


def find_near_duplicates(photographs: Sequence[SummarizedField]) -> list[Finding]:
    """Find turned, mirrored, re-encoded or brightened copies; those of one source are no news."""
    pairs = near_copies([p.summary for p in photographs])
    if not pairs:
        return []
    first, second, turns = np.transpose(pairs)
    shape = (len(photographs), len(photographs))
    graph = coo_array((np.ones(len(pairs)), (first, second)), shape)
    groups = connected_components(graph, directed=False)[1]
    findings = []
    for group in dict.fromkeys(groups[first].tolist()):
        copies = [p for p, number in zip(photographs, groups, strict=True) if number == group]
        if len({p.field.source for p in copies}) > 1:
            is_turned = turns[groups[first] == group].any()
            change = "turned or mirrored" if is_turned else "saved or developed in another way"
            findings.append(_copies_finding("near-duplicate", copies, f"one picture, {change}"))
    return findings


def _copies_finding(kind: str, copies: list[SummarizedField], what: str) -> Finding:
    labels = tuple(p.label for p in copies)
    sentence = f"{join_names(labels)} are {what}"
    classes = sorted({p.field.class_name for p in copies if p.field.class_name})
    if len(classes) > 1:
        sentence = (
            f"IN TWO CLASSES, {' and '.join(classes)}: {sentence}; at least one has the wrong "
            "class, so find out which and remove it before any training."
        )
    elif len({p.field.source for p in copies}) > 1:
        sentence += (
            ", under different sources: one could be learnt from and another judged by; remove "
            "the copies, or give them one source with --groups."
        )
    else:
        sentence += "; they count as one source, and one of them is enough."
    return Finding(kind, sentence, labels)


def near_copies(summaries: Sequence[ImageSummary]) -> list[tuple[int, int, int]]:
    """Find pairs of photographs that are one picture.

    Returns
    -------
    list of tuple
        Two indices into ``summaries``, the lower first, and by which turn (see :func:`.turned`)
        the second becomes the first.
    """
    hashes = np.array([s.hashes for s in summaries])
    pairs = []
    for i, summary in enumerate(summaries):
        bits = np.bitwise_count(hashes[i, 0] ^ hashes[i + 1 :])
        found: set[int] = set()
        for j, turn in np.argwhere(bits <= MAX_HASH_BITS):
            second = turned(summaries[i + 1 + j].thumbnail, turn)
            if j not in found and is_alike(summary.thumbnail, second):
                found.add(j)
                pairs.append((i, int(i + 1 + j), int(turn)))
    return pairs


def is_alike(first: NDArray[np.float32], second: NDArray[np.float32]) -> bool:
    """Whether two thumbnails show the same, as a whole and in what is finer than 3 pixels.

    A black surround does not count: cells that were cut out resemble each other by their outline.
    """
    if _correlation(first.ravel(), second.ravel()) < MIN_CORRELATION:
        return False
    inside = (first > MAX_BLACK) & (second > MAX_BLACK)
    fine = [square - uniform_filter(square, DETAIL_PX) for square in (first, second)]
    return (
        _correlation(first[inside], second[inside]) >= MIN_CORRELATION
        and _correlation(fine[0][inside], fine[1][inside]) >= MIN_DETAIL_CORRELATION
    )


def _correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return Pearson's correlation of two (n,) arrays; 0 where one of the two is flat."""
    if first.size < 2 or first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
