"""Open pictures that are no photographs to learn from: masks by their pixels, and broken files."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from napari_marrow.audit.image_summary import (
    ImageSummary,
    find_originals,
    is_mask,
    summarize_pixels,
)
from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.progress import never
from napari_marrow.jobs.events import ShouldStop
from napari_marrow.viewer.photograph.photograph import Photograph

DRAWN = "a mask by its pixels"
COPIED = "a mask by its pixels, a copy of a photograph with parts set to white"
MAX_KEPT_SUMMARIES = 4096
"""Of 10 kB each."""
_kept: dict[frozenset[Hashable], ImageSummary] = {}


def why_no_photograph(
    slices: Sequence[tuple[Photograph, int]], should_stop: ShouldStop = never
) -> dict[tuple[Photograph, int], str]:
    """Return why pictures are not learnt from, by photograph and slice, as the audit has it.

    A file is read once, until it changes.

    Raises
    ------
    Stopped
        When ``should_stop`` returned True.
    """
    reasons: dict[tuple[Photograph, int], str] = {}
    read: list[tuple[tuple[Photograph, int], ImageSummary]] = []
    for one in slices:
        if should_stop():
            raise Stopped
        try:
            summary = _summary(*one)
        except MarrowError as error:
            reasons[one] = str(error)
            continue
        if is_mask(summary):
            reasons[one] = DRAWN
        else:
            read.append((one, summary))
    copied = find_originals([summary for _, summary in read])
    return reasons | {read[k][0]: COPIED for k in copied}


def _summary(photograph: Photograph, row: int) -> ImageSummary:
    key = frozenset(photograph.keys(row))
    if not key or key not in _kept:  # products have no key
        if len(_kept) >= MAX_KEPT_SUMMARIES:
            _kept.clear()
        _kept[key] = summarize_pixels(photograph.image(row))
    return _kept[key]
