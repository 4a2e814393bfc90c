"""The curves of a report: ROC, precision-recall, calibration, coverage and loss."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes

from napari_marrow.learning.scores.results import Curve, EvaluationResult, ModelResult
from napari_marrow.report.colours import RUNS, TRAINING, VALIDATION
from napari_marrow.report.evaluation.drawing import Drawing, short
from napari_marrow.report.evaluation.leading import leading_model, shown_models

_DASHES = ("-", "--", "-.", ":")
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


_DIAGONAL = ((0.0, 1.0), (0.0, 1.0))
_KINDS = (
    _Kind("roc", "ROC", "1 − specificity", "recall", _DIAGONAL, "chance", "auc"),
    _Kind("precision_recall", "Precision and recall", "recall", "precision", metric="ap"),
    _Kind("calibration", "Calibration", "mean probability", "fraction right", _DIAGONAL, "ideal"),
    _Kind("coverage", "Accuracy of the answers that are kept", "fraction kept", "accuracy"),
)


def draw_curves(result: EvaluationResult) -> list[Drawing]:
    """Return the curves that models have, those of all models in one figure."""
    found = [*(_curve(result, kind) for kind in _KINDS), _loss(result)]
    return [drawing for drawing in found if drawing is not None]


def _of(model: ModelResult, kind: _Kind) -> Curve | None:
    curve: Curve | None = getattr(model.curves, kind.name, None)
    return curve if curve and curve.x else None


def _curve(result: EvaluationResult, kind: _Kind) -> Drawing | None:
    drawn = [(m, curve) for m in shown_models(result) if (curve := _of(m, kind)) is not None]
    if not drawn:
        return None
    lead = leading_model(result)

    def draw(axes: Axes) -> None:
        if kind.reference is not None:
            axes.plot(*kind.reference, color="#808080", lw=1, ls=":", label=kind.reference_name)
        for k, (model, curve) in enumerate(drawn):
            _draw_one(axes, kind, model, curve, k, model is lead or len(drawn) == 1)
        axes.set(xlabel=kind.x, ylabel=kind.y, xlim=(-0.01, 1.01))
        if kind.name == "coverage":
            lows = [min(curve.y) for _, curve in drawn]
            axes.set_ylim(max(0, min(*lows, 1) - 0.15), 1.01)
        else:
            axes.set_ylim(-0.01, 1.01)
        axes.legend(frameon=False, fontsize=8, loc="best")
        axes.spines[["top", "right"]].set_visible(False)

    shown = lead if any(m is lead for m, _ in drawn) else drawn[0][0]
    facts = _facts(shown, kind)
    band = f" The band is the 95 % interval of {shown.model}." if len(drawn) > 1 else ""
    caption = f"{kind.title}.{band or ' The band is the 95 % interval.'}{facts}"
    told = " ".join(_told(model, curve, kind) for model, curve in drawn)
    return Drawing(
        kind.name, _SIZE_IN, draw, caption, f"{kind.title}: {kind.y} by {kind.x}. {told}"
    )


def _draw_one(
    axes: Axes, kind: _Kind, model: ModelResult, curve: Curve, k: int, band: bool
) -> None:
    colour, dashes = RUNS[k % len(RUNS)], _DASHES[k // len(RUNS) % len(_DASHES)]
    score = model.evaluation.metrics.get(kind.metric)
    label = short(model.model) + (f" {score.estimate:.2f}" if score else "")
    marker = "o" if kind.name == "calibration" else ""
    axes.plot(curve.x, curve.y, color=colour, ls=dashes, lw=2, marker=marker, ms=4, label=label)
    if not band or (curve.low == curve.y and curve.high == curve.y):
        return
    if kind.name == "calibration":
        below = [max(0.0, y - low) for y, low in zip(curve.y, curve.low, strict=True)]
        above = [max(0.0, high - y) for y, high in zip(curve.y, curve.high, strict=True)]
        axes.errorbar(curve.x, curve.y, (below, above), fmt="none", ecolor=colour, capsize=3)
    else:
        axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.2, lw=0)


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
    model = leading_model(result)
    curves = model.curves
    if curves is None or curves.loss is None:
        known = [m for m in shown_models(result) if m.curves and m.curves.loss]
        if not known:
            return None
        model = known[0]
        curves = model.curves
    assert curves is not None  # it was known to have a loss
    lines = {
        "training": (curves.loss, TRAINING),
        "validation": (curves.validation_loss, VALIDATION),
    }
    shown = [(name, curve, colour) for name, (curve, colour) in lines.items() if curve is not None]

    def draw(axes: Axes) -> None:
        for name, curve, colour in shown:
            dashes = "-" if name == "training" else "--"
            axes.plot(curve.x, curve.y, color=colour, lw=2, ls=dashes, label=name)
            axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.2, lw=0)
        axes.set(xlabel="epoch", ylabel="loss")
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)

    told = "; ".join(f"{n} from {c.y[0]:.2f} to {c.y[-1]:.2f}" for n, c, _ in shown)
    caption = f"Loss of {model.model} by epoch; the band is the range over the folds."
    return Drawing("loss", (5.4, 3.6), draw, caption, f"Loss by epoch: {told}.")
