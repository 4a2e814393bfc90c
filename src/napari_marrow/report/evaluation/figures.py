"""The figures of a report: the split, the confusion matrix, curves, and the forecast."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from napari_marrow.data.text import counted
from napari_marrow.learning.scores.results import EvaluationResult
from napari_marrow.learning.scores.verdict import leading_model
from napari_marrow.report.colours import RUNS, class_colours
from napari_marrow.report.evaluation.curves import draw_curves, interval_bars
from napari_marrow.report.evaluation.drawing import Drawing, short
from napari_marrow.report.evaluation.leading import metric_name, shown_models
from napari_marrow.report.figures import draw_confusion

MAX_FOLDS = 20
"""Folds that are drawn, of many repeats or acquisitions."""


def drawings_of(result: EvaluationResult) -> list[Drawing]:
    """Return the figures that a result has values for."""
    found = [_folds(result), _confusion(result), *draw_curves(result), _forecast(result)]
    return [drawing for drawing in found if drawing is not None]


def _folds(result: EvaluationResult) -> Drawing | None:
    """A bar a fold, in parts by class; of the first protocol that there is."""
    if not result.folds:
        return None
    protocol = result.folds[0].protocol
    parts = [part for part in result.folds if part.protocol == protocol]
    named = {p.fold: p.name if p.name != str(p.fold) else f"fold {p.fold}" for p in parts}
    folds = dict(list(named.items())[:MAX_FOLDS])
    by_class: dict[str, dict[int, int]] = {}
    for part in parts:
        by_class.setdefault(part.class_name, dict.fromkeys(folds, 0))[part.fold] = part.sources
    colours = class_colours(list(by_class))

    def draw(axes: Axes) -> None:
        starts = dict.fromkeys(folds, 0)
        for name, counts in by_class.items():
            widths = [counts[fold] for fold in folds]
            bars = axes.barh(
                range(len(folds)),
                widths,
                left=list(starts.values()),
                color=colours[name],
                edgecolor="white",
                label=short(name),
            )
            axes.bar_label(bars, [str(n or "") for n in widths], label_type="center", fontsize=8)
            starts = {fold: start + counts[fold] for fold, start in starts.items()}
        labels = [short(name) for name in folds.values()]
        axes.set(yticks=range(len(folds)), yticklabels=labels, xlabel="sources held out")
        axes.set_ylim(len(folds) - 0.5, -0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
        axes.figure.legend(loc="outside upper center", ncols=4, frameon=False, fontsize=8)

    rows = {
        text: ", ".join(f"{counts[fold]} {name}" for name, counts in by_class.items())
        for fold, text in folds.items()
    }
    told = "; ".join(f"{text}: {row}" for text, row in rows.items())
    few = f"the first {len(folds)} of " if len(folds) < len(named) else ""
    held = f"{few}{counted(len(named), 'fold')}, each held out while models learn from the others"
    both = "; parts of one source are on both sides" if protocol == "paper" else ""
    caption = f"The split, protocol {protocol}: {held}{both}."
    height = 1.1 + 0.32 * len(folds)
    return Drawing("folds", (6.4, height), draw, caption, f"Sources held out. {told}.")


def _confusion(result: EvaluationResult) -> Drawing:
    model = leading_model(result.models, result.best)
    own = model.evaluation
    rows = {
        truth: ", ".join(f"{name} {n}" for name, n in zip(own.classes, counts, strict=True))
        for truth, counts in zip(own.classes, own.confusion, strict=True)
    }
    told = "; ".join(f"{truth} answered as {row}" for truth, row in rows.items())

    def draw(axes: Axes) -> None:
        draw_confusion(axes, own)
        names = [short(name) for name in own.classes]
        axes.set_xticklabels(names, rotation=0 if max(map(len, names)) < 10 else 30, ha="center")
        axes.set_yticklabels(names)

    side = 3.4 + 0.45 * len(own.classes)
    caption = f"Given class against answer of {model.model}: {counted(own.units, 'answer')}."
    return Drawing("confusion", (side, side * 0.9), draw, caption, f"Confusion matrix. {told}.")


def _forecast(result: EvaluationResult) -> Drawing | None:
    forecast = result.forecast
    if forecast is None or not forecast.measured:
        return None
    models = [one for one in shown_models(result) if one.model == forecast.model]
    few = bool(models and models[0].evaluation.few_sources)

    def draw(axes: Axes) -> None:
        expected, measured = forecast.expected, forecast.measured
        x = [p.sources for p in expected]
        band = [p.low for p in expected], [p.high for p in expected]
        if not few:
            axes.fill_between(x, *band, alpha=0.2, lw=0, color=RUNS[0])
        axes.plot(x, [p.estimate for p in expected], color=RUNS[0], lw=2, ls="--", label="expected")
        middle = [p.estimate for p in measured]
        bars = interval_bars(middle, [p.low for p in measured], [p.high for p in measured])
        places = [p.sources for p in measured]
        axes.errorbar(
            places,
            middle,
            None if few else bars,
            fmt="o",
            color=RUNS[1],
            capsize=3,
            label="measured",
        )
        name = metric_name(forecast.metric)
        axes.set(xlabel="sources of each class to learn from", ylabel=name)
        axes.legend(frameon=False, loc="lower right")
        axes.spines[["top", "right"]].set_visible(False)

    told = ", ".join(f"{p.estimate:.2f} with {p.sources:.0f}" for p in forecast.measured)
    how = f": too few {models[0].clusters}s for intervals." if few else ", with 95 % intervals."
    caption = f"Learning curve of {forecast.model}, measured and expected{how}"
    alt = f"Measured: {told} sources of each class."
    return Drawing("forecast", (5.4, 3.6), draw, caption, alt)
