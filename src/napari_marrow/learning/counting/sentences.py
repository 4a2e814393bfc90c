"""A count in words."""

from __future__ import annotations

from napari_marrow.data.text import counted
from napari_marrow.learning.counting.adjusted import MAX_MORE_CELLS, AdjustedShare
from napari_marrow.learning.counting.doubts import LOST
from napari_marrow.learning.counting.result import CountResult, Unit
from napari_marrow.learning.scores.evaluation import MIN_SOURCES
from napari_marrow.learning.scores.findings import Share


def percent(share: float) -> str:
    """Return a share in per cent, with a decimal below 10.

    >>> percent(0.1412), percent(0.0805), percent(0)
    ('14', '8.1', '0')
    """
    value = 100 * share
    return f"{value:.0f}" if value >= 9.95 or value < 0.05 else f"{value:.1f}".removesuffix(".0")


def share_text(share: Share) -> str:
    """Return a share with its interval: "14 % (8.1 to 22)"."""
    return f"{percent(share.estimate)} % ({percent(share.low)} to {percent(share.high)})"


def describe(result: CountResult) -> tuple[str, ...]:
    """Return the sentences on a count, those that decide whether to trust it first."""
    return (
        *result.doubts,
        f"{result.settings.class_name}: {share_text(result.share)} of "
        f"{counted(result.share.cells, result.unit)} {_origin(result)}: {_verdict(result)}.",
        *result.cautions,
        _covered(result),
        *_uncertain(result),
    )


def misfit(whole: AdjustedShare, share: Share, unit: Unit) -> tuple[str, ...]:
    """Say that the answers can't come of the errors that were held out; nothing where they can."""
    if 0 <= whole.estimate <= 1 or share.low < share.high:
        return ()
    few = "Fewer" if whole.estimate < 0 else "More"
    return (
        f"{few} {unit}s are answered {share.class_name} than the model's held-out errors can give, "
        f"so that its errors are others here: {LOST}.",
    )


def _origin(result: CountResult) -> str:
    kind = "source" if len(result.sources) > 1 else "photograph"
    if result.unit == "photograph" and kind == "photograph":
        return "(one unit each)"
    return f"in {counted(result.clusters, kind)}"


def _verdict(result: CountResult) -> str:
    cutoff = f"{percent(result.settings.cutoff / 100)} %"
    if result.verdict == "too few":
        kind = "sources" if len(result.sources) > 1 else "photographs"
        return f"too few {kind} to tell whether it is above {cutoff} (at least {MIN_SOURCES})"
    if result.verdict != "open":
        return f"{result.verdict} {cutoff} is shown"
    side = "above" if result.share.estimate >= result.settings.cutoff / 100 else "below"
    if result.more_cells is None and result.is_limited_by_errors:
        return (
            f"{side} {cutoff} is not shown, and more {result.unit}s would not tell, as the model's "
            "errors are not known well enough"
        )
    if result.more_cells is None:
        return (
            f"{side} {cutoff} is not shown; it would take more than {MAX_MORE_CELLS} "
            f"{result.unit}s to tell"
        )
    return f"{side} {cutoff} is not shown; about {result.more_cells} more {result.unit}s would tell"


def _covered(result: CountResult) -> str:
    share = result.share
    plain = f"{percent(share.counted / share.cells)} %"
    spread = "sources" if len(result.sources) > 1 else "photographs"
    if not result.is_adjusted:
        return (
            f"The interval covers that {result.unit}s were drawn and that {spread} differ. The "
            "model's errors are not in it, nor in the share: give the bundle."
        )
    return (
        f"{share.counted} {result.unit}s ({plain}) are answered {share.class_name}; the share is "
        f"adjusted for the model's errors on held-out units. The interval covers that "
        f"{result.unit}s were drawn, that {spread} differ, and these errors."
    )


def _uncertain(result: CountResult) -> tuple[str, ...]:
    share = result.share
    if not share.uncertain:
        return ()
    verb = "is" if share.uncertain == 1 else "are"
    named = ", ".join(f"{reason}: {count}" for reason, count in result.reasons.items())
    return (
        f"{share.uncertain} of the answers ({percent(share.uncertain / share.cells)} %) {verb} "
        f"uncertain ({named}). They count as they were answered, as in the held-out set.",
    )
