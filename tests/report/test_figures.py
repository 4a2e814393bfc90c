"""Figures: what they draw is what is known, and all of them are PNG files."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image
from sklearn.metrics import RocCurveDisplay, roc_curve

from napari_marrow.learning.scores.metrics import score_units
from napari_marrow.report import figures


@pytest.fixture
def judged():
    chance = np.array([0.9, 0.8, 0.3, 0.6, 0.2, 0.1])
    table = pd.DataFrame({"class": ["ALL"] * 3 + ["MM"] * 3, "source": list("abcdef")})
    evaluation = score_units(table, np.column_stack([chance, 1 - chance]), ("ALL", "MM"))
    return evaluation, table.assign(probability_ALL=chance, probability_MM=1 - chance)


HISTORY = pd.DataFrame({"epoch": [1, 2, 3], "loss": [0.7, 0.5, 0.3], "val_loss": [0.7, 0.4, 0.6]})


def tables(heldout):
    """The tables of a network's bundle."""
    return {"history.csv": HISTORY, "heldout.csv": heldout}


def test_all_figures_are_written(tmp_path, judged):
    paths = figures.write_figures(tmp_path / "figures", judged[0], tables(judged[1]))
    assert [p.name for p in paths] == [
        f"{name}.png" for name in ("history", "confusion", "roc", "precision_recall")
    ]
    for path in paths:
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert len(picture.convert("RGB").getcolors(1 << 20)) > 5


def test_without_a_result_only_the_history(tmp_path):
    paths = figures.write_figures(tmp_path, None, tables(pd.DataFrame()))
    assert [p.name for p in paths] == ["history.png"]


def test_three_classes_have_no_roc(tmp_path):
    table = pd.DataFrame({"class": list("abc"), "source": list("abc")})
    evaluation = score_units(table, np.eye(3), ("a", "b", "c"))
    paths = figures.write_figures(tmp_path, evaluation, tables(table))
    assert [p.name for p in paths] == ["history.png", "confusion.png"]


@pytest.mark.parametrize(
    ("columns", "best"), [(["epoch", "loss", "val_loss"], 2), (["epoch", "loss"], 3)]
)
def test_history_marks_the_best_epoch(columns, best):
    axes = Figure().add_subplot()
    figures.draw_history(axes, HISTORY[columns])
    marked = next(line for line in axes.get_lines() if line.get_label() == "best epoch")
    assert list(marked.get_xdata()) == [best]


def test_confusion_writes_the_counts(judged):
    axes = Figure().add_subplot()
    figures.draw_confusion(axes, judged[0])
    found = {t.get_position(): t.get_text() for t in axes.texts}
    # of ALL two are right and one is called MM; of MM one is called ALL: (column, row)
    assert found == {(0, 0): "2", (1, 0): "1", (0, 1): "1", (1, 1): "2"}


def test_roc_is_scikit_learns(judged):
    axes = Figure().add_subplot()
    figures._draw_curve(axes, RocCurveDisplay, *judged)
    x, y, _ = roc_curve(judged[1]["class"] == "ALL", judged[1]["probability_ALL"])
    drawn = axes.get_lines()[0]
    np.testing.assert_allclose(drawn.get_xdata(), x, atol=1e-09)
    np.testing.assert_allclose(drawn.get_ydata(), y, atol=1e-09)
    assert drawn.get_color() == "#E69F00"
    # 9 pairs of an ALL and a MM: .3 stands below .6 only: 8 of 9
    assert drawn.get_label() == "model, AUC 0.89"
