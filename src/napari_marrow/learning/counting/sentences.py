"""A count in words."""

from __future__ import annotations

import numpy as np

from napari_marrow.data.text import counted
from napari_marrow.learning.counting.adjusted import MAX_MORE_CELLS, AdjustedShare
from napari_marrow.learning.counting.doubts import LOST
from napari_marrow.learning.counting.result import CountResult, Unit
from napari_marrow.learning.scores.evaluation import MIN_SOURCES
from napari_marrow.learning.scores.findings import Share

MAX_DECIMALS = 4


def percent(share: float, cutoff: float | None = None) -> str:
    """Return a share in per cent, with a decimal below 10.

    Where a cut-off in per cent is given, it has as many decimals as it takes to see on which side
    of that it is.

    >>> percent(0.1412), percent(0.0805), percent(0)
    ('14', '8.1', '0')
    >>> percent(0.1241, 12.5), percent(0.1251, 12.5), percent(0.1004, 10)
    ('12', '13', '10.04')
    """
    value = 100 * share
    decimals = 0 if value >= 9.95 or value < 0.05 else 1
    text = f"{value:.{decimals}f}"
    while cutoff is not None and decimals < MAX_DECIMALS:
        if np.sign(float(text) - cutoff) == np.sign(value - cutoff):
            break
        decimals += 1
        text = f"{value:.{decimals}f}"
    return text.removesuffix(".0")


def share_text(share: Share, cutoff: float | None = None) -> str:
    """Return a share with its interval: "14 % (8.1 to 22)"."""
    low, high = percent(share.low, cutoff), percent(share.high, cutoff)
    return f"{percent(share.estimate, cutoff)} % ({low} to {high})"


def describe(result: CountResult) -> tuple[str, ...]:
    """Return the sentences on a count, those that decide whether to trust it first."""
    share, cutoff = result.share, result.settings.cutoff
    few = result.verdict == "too few"  # an interval is a guess
    text = f"{percent(share.estimate, cutoff)} %" if few else share_text(share, cutoff)
    return (
        *result.doubts,
        f"{result.settings.class_name}: {text} of "
        f"{counted(result.share.cells, result.unit)} {_origin(result)}: {_verdict(result)}.",
        *result.cautions,
        _covered(result),
        *_uncertain(result),
    )


def misfit(whole: AdjustedShare, share: Share, unit: Unit) -> tuple[str, ...]:
    """Say that the answers can't come of the model's errors; nothing where they can."""
    if whole.errors.weights is None:
        return (
            f"The model tells {share.class_name} from other classes no better than chance where "
            f"its errors are known: {LOST}.",
        )
    if 0 <= whole.estimate <= 1 or share.low < share.high:
        return ()
    few = "Fewer" if whole.estimate < 0 else "More"
    return (
        f"{few} {unit}s are answered {share.class_name} than the model's known errors can give, "
        f"so that its errors are others here: {LOST}.",
    )


def _origin(result: CountResult) -> str:
    kind = "source" if len(result.sources) > 1 else "photograph"
    if result.unit == "photograph" and kind == "photograph":
        return "(one unit each)" if result.clusters > 1 else "(one unit)"
    return f"in {counted(result.clusters, kind)}"


def _verdict(result: CountResult) -> str:
    cutoff = f"{result.settings.cutoff:g} %"
    if result.verdict == "too few":
        kind = "sources" if len(result.sources) > 1 else "photographs"
        if result.clusters >= MIN_SOURCES:  # those of the model's errors are too few
            kind = f"{result.errors_of} sources"
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
    more = counted(result.more_cells, f"more {result.unit}")
    return f"{side} {cutoff} is not shown; about {more} would tell"


def _covered(result: CountResult) -> str:
    """Say what is in the share, and in its interval where that stands."""
    share = result.share
    verb = "is" if share.counted == 1 else "are"
    is_shown = result.verdict != "too few"
    spread = "sources" if len(result.sources) > 1 else "photographs"
    parts = [f"{result.unit}s were drawn", f"{spread} differ"]
    if spread == f"{result.unit}s":  # one unit each
        del parts[1]
    if not result.is_adjusted:
        if not is_shown:
            return "The model's errors are not in the share: give the bundle."
        return (
            f"The interval covers that {' and that '.join(parts)}. The model's errors are not in "
            "it, nor in the share: give the bundle."
        )
    answered = (
        f"{counted(share.counted, result.unit)} ({percent(share.counted / share.cells)} %) {verb} "
        f"answered {share.class_name}"
    )
    if not result.can_tell:
        return f"{answered}."
    adjusted = f"the share is adjusted for the model's errors on {result.errors_of} units"
    if not is_shown:
        return f"{answered}; {adjusted}."
    covered = f"{', that '.join(parts)}{',' if len(parts) > 1 else ''} and these errors"
    return f"{answered}; {adjusted}. The interval covers that {covered}."


def _uncertain(result: CountResult) -> tuple[str, ...]:
    share = result.share
    if not share.uncertain:
        return ()
    verb, stand = (
        ("is", "It counts as it was")
        if share.uncertain == 1
        else ("are", "They count as they were")
    )
    among = f", as in the {result.errors_of} set" if result.errors_of else ""
    named = ", ".join(f"{reason}: {count}" for reason, count in result.reasons.items())
    return (
        f"{share.uncertain} of the answers ({percent(share.uncertain / share.cells)} %) {verb} "
        f"uncertain ({named}). {stand} answered{among}.",
    )
