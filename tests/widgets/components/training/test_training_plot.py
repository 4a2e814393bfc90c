"""The plots of a training, against what matplotlib draws of the same history."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from napari.utils.theme import get_theme
from qtpy.QtGui import QColor

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


def pixels(plot, colour):
    """Rows and columns of a plot's pixels of about this colour."""
    image = plot.grab().toImage().convertToFormat(plot.grab().toImage().Format.Format_RGB888)
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    rows = np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine())
    shown = rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)
    wanted = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
    return np.nonzero(np.abs(shown - wanted).max(axis=2) < 30)


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
    plot.follow()
    qtbot.waitUntil(lambda: len(plot.loss.lines) == 3)
    run.history.append({"epoch": 2, "loss": float("nan"), "val_loss": float("nan")})
    plot.follow()
    qtbot.waitUntil(lambda: len(plot.loss.lines[0].points) == 2)
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
