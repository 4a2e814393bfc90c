"""What the parts of the audit share: a photograph with its summary, and a finding about files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from napari_marrow.audit.image_summary import ImageSummary
from napari_marrow.data.fields import Field
from napari_marrow.data.text import one_line, quoted

MIN_SOURCES = 5
"""Sources of a class, a size or a format that a test needs."""


@dataclass(frozen=True)
class Finding:
    """One thing the user should know.

    Attributes
    ----------
    kind
        "mask-as-image", "blank", "mask-empty", "mask-by-photograph", "mask-in-levels",
        "mask-unclear",
        "duplicate", "near-duplicate", "source-in-two-classes", "size-with-class",
        "format-with-class", "acquisition-with-class" or "too-few".
    sentence
        What was found, in which files, and what to do.
    files
        All files it is about, as the collection calls them.
    """

    kind: str
    sentence: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class SummarizedField:
    """A field, what its collection calls it, and the summary of its photograph."""

    field: Field
    label: str
    summary: ImageSummary


def join_names(names: Iterable[str], limit: int = 5) -> str:
    """Join names as in a sentence: "a, b and c", or the first five and how many more there are."""
    names = [one_line(quoted(name)) for name in names]
    rest = len(names) - limit
    last = f"{rest} more" if rest > 0 else "".join(names[-1:])
    first = names[:limit] if rest > 0 else names[:-1]
    return " and ".join(filter(None, (", ".join(first), last)))
