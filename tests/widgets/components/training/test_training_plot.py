"""The plots of a training, against what matplotlib draws of the same history."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from napari.utils.theme import get_theme
from qtpy.QtGui import QColor, QFontMetricsF

from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.report.colours import RUNS, TRAINING, VALIDATION
from napari_marrow.report.history import draw_history
from napari_marrow.widgets.components.line_plot import Line, LinePlot, ticks, visible
from napari_marrow.widgets.components.training.plot import (
    TrainingPlot,
    compared_lines,
    history_lines,
)
from napari_marrow.widgets.components.training.runs import Run

EPOCHS = [
    {"epoch": 1, "loss": 0.7, "val_loss": 0.8},
    {"epoch": 2, "loss": 0.4, "val_loss": 0.3},
    {"epoch": 3, "loss": 0.2, "val_loss": 0.5},
]
HISTORIES = {
    "with validation": EPOCHS,
    "without": [{"epoch": x["epoch"], "loss": x["loss"]} for x in EPOCHS],
    "two networks": [{**x, "member": k} for k in (1, 2) for x in EPOCHS[k - 1 :]],
}


@pytest.fixture
def plot(make_napari_viewer_proxy, qtbot):
    """An empty plot of 300 x 200 pixels."""
    viewer = make_napari_viewer_proxy()
    viewer.theme = "light"  # in which colours are shown as they are
    plot = LinePlot(viewer, "epoch", "loss")
    qtbot.addWidget(plot)
    plot.resize(300, 200)
    return plot


def picture(widget):
    """What a widget draws: rows, columns, channels."""
    image = widget.grab().toImage()
    image = image.convertToFormat(image.Format.Format_RGB888)
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    rows = np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def pixels(plot, colour):
    """Rows and columns of a plot's pixels of about this colour."""
    wanted = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
    return np.nonzero(np.abs(picture(plot) - wanted).max(axis=2) < 30)


def drawn(widget):
    """Which pixels differ clearly from those of the first corner."""
    shown = picture(widget)
    return np.abs(shown - shown[0, 0]).max(axis=2) > 60


@pytest.mark.parametrize("name", HISTORIES)
def test_the_lines_are_those_of_the_report(name):
    axes = Figure().add_subplot()
    draw_history(axes, pd.DataFrame(HISTORIES[name]))
    drawn = [(to_hex(x.get_color()).upper(), x.get_xydata().tolist()) for x in axes.lines]
    lines = history_lines(HISTORIES[name], "loss")
    assert [(x.colour, [list(point) for point in x.points]) for x in lines] == drawn
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert [x.name for x in lines if x.name] == legend


@pytest.mark.parametrize("limits", [(0, 1), (0.13, 0.69), (-3e-5, 2e-5), (1, 40000), (5, 5.001)])
def test_ticks_are_round_and_inside(limits):
    found = np.array(ticks(*limits))
    assert 2 <= len(found) <= 6
    assert limits[0] - 1e-9 <= found[0] <= found[-1] <= limits[1] + 1e-9
    step = np.diff(found)
    np.testing.assert_allclose(step, step[0], rtol=1e-6)
    assert f"{step[0]:.0e}"[0] in "125"
    np.testing.assert_allclose(found / step[0], np.rint(found / step[0]), atol=1e-4)


def test_epochs_are_counted_in_whole_numbers():
    assert ticks(1, 3, whole=True) == [1, 2, 3]
    assert ticks(0.5, 1.5, whole=True) == [1]


def test_a_falling_line_falls_from_the_left_edge_to_the_right(plot):
    plot.show_lines([Line("", TRAINING, [(1, 0.9), (2, 0.5), (3, 0.1)])])
    rows, columns = pixels(plot, TRAINING)
    assert np.corrcoef(rows, columns)[0, 1] > 0.99  # rows count downwards
    assert columns.max() - columns.min() > 200
    assert rows.max() - rows.min() > 100


def test_dots_and_names_and_what_is_not_finite(plot):
    nothing = [*map(len, pixels(plot, VALIDATION))]
    assert nothing == [0, 0]
    plot.show_lines([Line("best", VALIDATION, [(1, float("nan")), (2, 0.5)], dots=True)])
    columns = pixels(plot, VALIDATION)[1]
    dot = np.abs(columns - np.median(columns)) < 10
    assert dot.any()
    plot.show_lines([Line("", VALIDATION, [(1, float("inf")), (2, float("nan"))])])
    assert len(pixels(plot, VALIDATION)[0]) == 0


def test_the_plot_follows_epochs_and_the_theme_and_begins_anew(make_napari_viewer_proxy, qtbot):
    viewer = make_napari_viewer_proxy()
    plot = TrainingPlot(viewer)
    qtbot.addWidget(plot)
    run = Run("a", TrainingSettings())
    plot.show_runs([run])
    assert not plot.loss.lines
    run.history.append(EPOCHS[0])
    plot.redraw()
    assert len(plot.loss.lines) == 3
    run.history.append({"epoch": 2, "loss": float("nan"), "val_loss": float("nan")})
    plot.redraw()
    assert len(plot.loss.lines[0].points) == 2
    assert plot.loss.lines[-1].points == [(1, 0.8)]  # the best so far
    corners = []
    plot.resize(300, 300)
    for theme in ("dark", "light"):
        viewer.theme = theme
        corners.append(plot.grab().toImage().pixelColor(0, 0).lightness())
    assert corners[0] < 100 < 200 < corners[1]
    plot.show_runs([Run("b", TrainingSettings())])
    assert not plot.loss.lines


def test_accuracy_is_that_of_the_epochs_with_the_best_by_its_loss():
    rows = [
        {**row, "accuracy": a, "val_accuracy": v}
        for row, a, v in zip(EPOCHS, (0.5, 0.8, 0.9), (0.6, 0.7, 0.75), strict=True)
    ]
    training, validation, best = history_lines(rows, "accuracy")
    assert training.points == [(1, 0.5), (2, 0.8), (3, 0.9)]
    assert validation.points == [(1, 0.6), (2, 0.7), (3, 0.75)]
    assert best.points == [(2, 0.7)]  # of the lowest validation loss, 0.3
    assert training.dashed != validation.dashed  # not by colour alone


def test_several_runs_are_compared_by_their_validation_side_and_told_apart():
    histories = [(name, HISTORIES[name]) for name in HISTORIES]
    lines = compared_lines(histories, "loss")
    assert [x.name for x in lines] == ["with validation", "without", "two networks", ""]
    assert lines[0].points == [(1, 0.8), (2, 0.3), (3, 0.5)]
    assert lines[1].points == [(1, 0.7), (2, 0.4), (3, 0.2)]  # there is no other side
    assert [len(x.points) for x in lines[2:]] == [3, 2]  # each network has a line of its own
    looks = {(x.colour, x.dashed) for x in lines}
    assert len(looks) == 3


def test_of_many_runs_those_are_drawn_that_can_be_told_apart(plots):
    runs = [Run(f"run {k}", TrainingSettings(), history=[*EPOCHS]) for k in range(9)]
    plots.show_runs([Run("not begun", TrainingSettings()), *runs])
    for plot in (plots.loss, plots.accuracy):
        assert [x.name for x in plot.lines] == [f"run {k}" for k in range(3, 9)]
        assert len({x.colour for x in plot.lines}) == 6
    assert plots.about.text().startswith("The last 6 of 9 selected runs are drawn")
    assert not plots.about.isHidden()
    plots.show_runs(runs[:6])
    assert len(plots.loss.lines) == 6
    assert plots.about.isHidden()


@pytest.fixture
def plots(make_napari_viewer_proxy, qtbot):
    """The plots of a training, 350 pixels wide, in a light theme."""
    viewer = make_napari_viewer_proxy()
    viewer.theme = "light"
    plots = TrainingPlot(viewer)
    qtbot.addWidget(plots)
    plots.resize(350, 500)
    plots.show()
    return plots


@pytest.mark.parametrize("points", [9, 14, 20])
def test_texts_neither_overlap_nor_are_cut_off_at_any_font_size(plots, qtbot, points):
    """Measured in the pixels that are drawn."""
    rows = [{"epoch": k, "loss": 1 / k, "accuracy": 1 - 1 / k} for k in range(1, 1001)]
    names = (
        "a",
        "two\nlines",
        "A name of a run that is longer than the plots are wide, even if small",
    )
    font = plots.font()
    font.setPointSize(points)
    plots.setFont(font)
    plots.show_runs([Run(name, TrainingSettings(), history=rows) for name in names])
    metrics = QFontMetricsF(font)
    line = metrics.height()
    legend = plots.legend
    qtbot.waitUntil(lambda: legend.height() == legend.heightForWidth(350) > 2 * line - 1)
    assert drawn(legend)[-int(line) :].any()
    assert not drawn(legend)[:, -1].any()
    for plot in (plots.loss, plots.accuracy):
        assert plot.y() > legend.geometry().bottom()
        seen = drawn(plot)
        assert not seen[:, -1].any()  # the label of the last epoch ends before
        name = np.flatnonzero(seen[:, : int(line)].any(axis=1))
        assert name[-1] - name[0] > 0.8 * metrics.horizontalAdvance(plot.axis_names[1])
        axis = np.flatnonzero(seen.mean(axis=0) > 0.5)[0]
        labels = seen[:, int(line) + 1 : axis - 5].any(axis=1)
        edges = np.flatnonzero(np.diff([False, *labels, False]))
        assert len(edges) >= 4
        assert (edges[1::2] - edges[::2]).max() < line  # a label has a gap to the next
        below = seen[-int(2 * line) : -int(line) - 2].any(axis=0)
        assert below[-int(line) :].any()
        assert not below.all()


def test_colours_can_be_seen_on_a_dark_background():
    """Contrast by WCAG 2.1, of at least 3 for graphics."""

    def luminance(colour):
        levels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in levels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark = get_theme("dark").background.as_hex(format="long")
    for colour in (TRAINING, VALIDATION, *RUNS):
        shown = luminance(visible(colour, QColor(dark)))
        assert (shown + 0.05) / (luminance(dark) + 0.05) >= 3
    assert visible(TRAINING, QColor("white")) == TRAINING
