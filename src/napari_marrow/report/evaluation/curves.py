"""The curves of a report: ROC, precision-recall, calibration, coverage and loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from napari_marrow.learning.scores.results import Curve, EvaluationResult, ModelResult
from napari_marrow.learning.scores.verdict import leading_model
from napari_marrow.report.colours import RUNS, TRAINING, VALIDATION
from napari_marrow.report.evaluation.drawing import Drawing, short
from napari_marrow.report.evaluation.leading import joined, shown_models, with_known_band

_DASHES = ("--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1)))
_SIZE_IN = (4.4, 4.1)


@dataclass(frozen=True)
class _Kind:
    """A kind of curve: its labels, the line of chance or of the ideal, and its words."""

    name: str
    title: str
    x: str
    y: str
    reference: tuple[tuple[float, float], tuple[float, float]] | None = None
    reference_name: str = ""
    metric: str = ""


_PRECISION = "average_precision"
_DIAGONAL = ((0.0, 1.0), (0.0, 1.0))
_KINDS = (
    _Kind("roc", "ROC", "1 − specificity", "recall", _DIAGONAL, "chance", "auc"),
    _Kind(
        "precision_recall",
        "Precision and recall",
        "recall",
        "precision",
        metric="average_precision",
    ),
    _Kind("calibration", "Calibration", "mean probability", "fraction right", _DIAGONAL, "ideal"),
    _Kind("coverage", "Accuracy of the answers that are kept", "fraction kept", "accuracy"),
)


def draw_curves(result: EvaluationResult) -> list[Drawing]:
    """Return the curves that models have, those of all models in one figure."""
    found = [*(_curve(result, kind) for kind in _KINDS), _loss(result)]
    return [drawing for drawing in found if drawing is not None]


def _of(model: ModelResult, kind: _Kind) -> Curve | None:
    curve: Curve | None = getattr(model.curves, kind.name, None)
    return with_known_band(curve, model) if curve and curve.x else None


def _curve(result: EvaluationResult, kind: _Kind) -> Drawing | None:
    drawn = [(m, curve) for m in shown_models(result) if (curve := _of(m, kind)) is not None]
    if not drawn:
        return None
    best = leading_model(result.models, result.best)
    lead, own = next(((m, c) for m, c in drawn if m is best), drawn[0])
    y_label = kind.y
    if kind.name == "calibration" and len(lead.evaluation.classes) == 2:
        y_label = f"fraction of {short(lead.evaluation.positive)}"

    def draw(axes: Axes) -> None:
        if kind.reference is not None:
            axes.plot(*kind.reference, color="#808080", lw=1, ls=":", label=kind.reference_name)
        elif kind.metric in lead.evaluation.metrics:
            chance = lead.evaluation.metrics[kind.metric].chance
            axes.axhline(chance, color="#808080", lw=1, ls=":", label="chance")
        for k, (model, curve) in enumerate(drawn):
            _draw_one(axes, kind, model, curve, k, model is lead)
        low = min(0.9, *own.y) - 0.1 if kind.name == "coverage" else 0.0
        axes.set(xlabel=kind.x, ylabel=y_label, xlim=(-0.01, 1.01), ylim=(max(low, 0) - 0.01, 1.01))
        axes.legend(frameon=False, fontsize=8, loc="best")
        axes.spines[["top", "right"]].set_visible(False)

    told = " ".join(_told(model, curve, kind) for model, curve in drawn)
    caption = f"{kind.title}.{_band_text(kind, lead, own)}{_facts(lead, kind)}"
    alt = f"{kind.title}: {y_label} by {kind.x}. {told}"
    return Drawing(kind.name, _SIZE_IN, draw, caption, alt)


def _has_band(curve: Curve) -> bool:
    return (curve.low, curve.high) != (curve.y, curve.y)


def _band_text(kind: _Kind, model: ModelResult, curve: Curve) -> str:
    if model.evaluation.few_sources:
        return f" There are too few {model.clusters}s for intervals."
    if not _has_band(curve):
        return ""
    bars = kind.name == "calibration"
    what = "Bars are 95 % intervals" if bars else "The band is the 95 % interval"
    return f" {what} of {model.model}."


def _draw_one(
    axes: Axes, kind: _Kind, model: ModelResult, curve: Curve, k: int, is_lead: bool
) -> None:
    """Draw the curve of a model; that of the leading one stands out and has its band."""
    colour, dashes = RUNS[k % len(RUNS)], _DASHES[k % len(_DASHES)]
    line = {"lw": 2.5, "ls": "-", "zorder": 3} if is_lead else {"lw": 1.3, "ls": dashes}
    score = model.evaluation.metrics.get(kind.metric)
    label = short(model.model) + (f" {score.estimate:.2f}" if score else "")
    marker = "o" if kind.name == "calibration" else ""
    axes.plot(curve.x, curve.y, color=colour, marker=marker, ms=4, label=label, **line)
    if not is_lead or not _has_band(curve):
        return
    if kind.name == "calibration":
        bars = interval_bars(curve.y, curve.low, curve.high)
        axes.errorbar(curve.x, curve.y, bars, fmt="none", ecolor=colour, capsize=3)
    else:
        axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.2, lw=0)


def interval_bars(
    middle: Sequence[float], low: Sequence[float], high: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Return how far intervals reach below and above, as Matplotlib's error bars need it."""
    below = [max(0.0, y - end) for y, end in zip(middle, low, strict=True)]
    above = [max(0.0, end - y) for y, end in zip(middle, high, strict=True)]
    return below, above


def _facts(model: ModelResult, kind: _Kind) -> str:
    """Return the scores that a curve goes with, in words."""
    own = model.recalibration
    if kind.name != "calibration" or own is None:
        return ""
    found = [f"Brier score {own.brier.estimate:.2f}"]
    found += [f"slope {own.slope.estimate:.2f} (1 is ideal)"] if own.slope else []
    found += [f"intercept {own.intercept.estimate:.2f} (0 is ideal)"] if own.intercept else []
    return f" {model.model}: {', '.join(found)}."


def _told(model: ModelResult, curve: Curve, kind: _Kind) -> str:
    """Return a curve in words: where it begins, is in the middle, and ends."""
    places = dict.fromkeys((0, len(curve.x) // 2, len(curve.x) - 1))
    points = ", ".join(f"{curve.y[k]:.2f} at {curve.x[k]:.2f}" for k in places)
    score = model.evaluation.metrics.get(kind.metric)
    area = f" (area {score.estimate:.2f})" if score else ""
    return f"{model.model}{area}: {points}."


def _loss(result: EvaluationResult) -> Drawing | None:
    """The losses of all networks in one figure; with a band where there is one alone."""
    found = [m for m in shown_models(result) if m.curves is not None and m.curves.loss is not None]
    shown = [one for k, model in enumerate(found) for one in _losses(model, k, len(found) > 1)]
    if not shown:
        return None

    def draw(axes: Axes) -> None:
        for name, curve, colour, dashes in shown:
            axes.plot(curve.x, curve.y, color=colour, lw=2, ls=dashes, label=name)
            if len(found) == 1:
                axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.2, lw=0)
        axes.set(xlabel="epoch", ylabel="loss")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)

    told = "; ".join(f"{n} from {c.y[0]:.2f} to {c.y[-1]:.2f}" for n, c, *_ in shown)
    several = ""
    if any(_has_band(curve) for _, curve, *_ in shown):
        several = f"; mean{' and range' if len(found) == 1 else ''} of several networks"
        several += " each" if len(found) > 1 else ""
    caption = f"Loss of {joined([model.model for model in found])} by epoch{several}."
    return Drawing("loss", (5.4, 3.6), draw, caption, f"Loss by epoch: {told}.")


def _losses(model: ModelResult, k: int, several: bool) -> list[tuple[str, Curve, str, str]]:
    """Return the losses of a network, each with its name, colour and dashes."""
    assert model.curves is not None  # it is known to have a loss
    sides = (
        ("training", model.curves.loss, TRAINING, "--"),
        ("validation", model.curves.validation_loss, VALIDATION, "-"),
    )
    own = RUNS[k % len(RUNS)]
    return [
        (f"{short(model.model)}, {name}", curve, own, dashes)
        if several
        else (name, curve, colour, dashes)
        for name, curve, colour, dashes in sides
        if curve is not None
    ]
