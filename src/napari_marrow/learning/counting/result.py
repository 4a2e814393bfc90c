"""What is counted, and the result of a count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from napari_marrow.data.options import option
from napari_marrow.learning.model_settings import CutoffSettings
from napari_marrow.learning.scores.findings import Share

Unit = Literal["cell", "photograph"]
"""What is counted: cells, or photographs where the model answers for each whole one."""
Verdict = Literal["above", "below", "open", "too few"]


def counted_unit(unit: str) -> Unit:
    """Return what is counted of a model's units, ``field`` or ``cell``."""
    return "photograph" if unit == "field" else "cell"


@dataclass(frozen=True)
class CountSettings(CutoffSettings):
    """What to count, and against what."""

    class_name: str = option("", "Class", "The class whose share is counted.")

    def problems(self) -> list[str]:
        """Return a sentence for each option that can't work."""
        missing = [] if self.class_name else ["Class is empty; name the class to count."]
        return missing + super().problems()


@dataclass(frozen=True)
class CountResult:
    """The share of a class, and what it means.

    Attributes
    ----------
    settings
        What was counted.
    share
        In all.
    verdict
        Whether the share is shown to be ``above`` or ``below`` the cut-off; ``open`` where its
        interval holds the cut-off, ``too few`` where there are too few fields (or sources), or too
        few sources from which the model's errors are known, to tell.
    more_cells
        About how many more would tell; None where they are not needed or can't tell.
    is_limited_by_errors
        Whether they can't because too little is known of the model's errors.
    clusters
        How many fields the cells are from, or sources where several are known: what the interval
        in all takes as independent.
    unit
        ``cell``, or ``photograph`` where each is one unit.
    doubts
        Sentences on why the count can't be trusted; none where it can.
    sources, fields
        The share by source, where sources are known, and by field, where cells are counted.
    is_adjusted
        Whether the model's errors are in it.
    errors_of
        On which units these were seen: ``held-out`` or ``evaluated``; "" where none are in it.
    can_tell
        Whether the model tells the class from others better than by chance, as far as its errors
        are known.
    cautions
        Why these may be larger than they seem.
    reasons
        Number of uncertain answers by reason; one may have several.
    sentences
        The same in words: the doubts, the share, what it covers, what is uncertain.
    """

    settings: CountSettings
    share: Share
    verdict: Verdict
    more_cells: int | None
    is_limited_by_errors: bool
    clusters: int
    unit: Unit
    doubts: tuple[str, ...]
    sources: tuple[Share, ...] = ()
    fields: tuple[Share, ...] = ()
    is_adjusted: bool = False
    errors_of: str = ""
    can_tell: bool = True
    cautions: tuple[str, ...] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()

    @property
    def shares(self) -> tuple[Share, ...]:
        """All of them, that in all first."""
        return (self.share, *self.sources, *self.fields)

    def to_dict(self) -> dict[str, object]:
        """Return the result as JSON."""
        return asdict(self)
