"""The figures of features: what is drawn is what was given."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from napari_marrow.report.colours import FIXED
from napari_marrow.report.feature_figures import (
    best_features,
    draw_distribution,
    draw_importances,
    draw_scores,
    most_important,
    read_importances,
)

TABLES = [b"feature,importance\n" + row for row in (b"a,much", b"a,inf", b"z,0.5")]


@pytest.fixture
def axes():
    return Figure().add_subplot()


@pytest.fixture
def scores():
    chi2 = [*np.linspace(30, 1, 24), np.nan]
    return pd.DataFrame(
        {
            "feature": [f"f{k}" for k in range(25)],
            "chi2": chi2,
            "selected": [k < 3 for k in range(25)],
            "rank": range(1, 26),
        }
    ).sample(frac=1, random_state=0)


def test_the_best_twenty_are_shown_best_first(scores):
    assert best_features(scores)["feature"].tolist() == [f"f{k}" for k in range(20)]
    assert len(best_features(scores[scores["rank"] > 22])) == 2  # f24 has no chi-square


def test_chosen_bars_are_filled_and_others_striped(axes, scores):
    best = best_features(scores)
    draw_scores(axes, best, "f1", "white")
    bars = {round(b.get_y() + b.get_height() / 2 - 0.2): b for b in axes.patches}
    assert [bars[k].get_width() for k in range(20)] == best["chi2"].tolist()
    assert [bars[k].get_hatch() is None for k in range(20)] == best["selected"].tolist()
    assert [bars[k].get_facecolor()[3] == 1 for k in range(20)] == best["selected"].tolist()
    names = {t.get_text(): t for t in axes.texts}
    assert list(names) == best["feature"].tolist()
    assert [n for n, t in names.items() if t.get_weight() == "bold"] == ["f1"]
    low, high = axes.get_ylim()
    assert low > high  # the first is on top
    assert high < -0.28 - 0.3  # and its name inside


def test_nothing_to_show_is_no_error(axes, scores):
    draw_scores(axes, best_features(scores[scores["feature"] == "f24"]), None, "white")
    assert not axes.patches


def test_importances_are_the_highest_from_the_top_down(axes):
    counts = {"a": 0.2, "b": 0.5, "c": np.nan, "d": 0.3, "e": 0.0, "f": 0.1}
    scores = pd.DataFrame({"feature": counts.keys(), "importance": counts.values()})
    assert most_important(scores)["feature"].tolist() == ["b", "d", "a", "f"]
    draw_importances(axes, most_important(scores, 3))
    assert [t.get_text() for t in axes.texts] == ["b", "d", "a"]
    assert [bar.get_width() for bar in axes.patches] == [0.5, 0.3, 0.2]
    places = [bar.get_y() for bar in axes.patches]
    low, high = axes.get_ylim()
    assert low > high
    assert places == sorted(places)


def test_a_class_keeps_its_colour_and_every_unit_is_drawn(axes):
    values = {"ALL": np.array([1.0, 2, 3, 4, np.nan]), "MM": np.array([7.0, 9])}
    draw_distribution(axes, values, "#123456")
    for points, name in zip(axes.collections, ("ALL", "MM"), strict=True):
        assert to_hex(points.get_facecolor()[0]).upper() == FIXED[name]
        known = values[name][np.isfinite(values[name])]
        assert sorted(points.get_offsets()[:, 0]) == known.tolist()
    shapes = [points.get_paths()[0] for points in axes.collections]
    assert len(shapes[0]) != len(shapes[1])  # told apart without colour
    assert [t.get_text() for t in axes.texts] == ["ALL (n = 4, 1 missing)", "MM (n = 2)"]
    boxes = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 5]
    for box, name in zip(boxes, values, strict=True):
        quartiles = np.nanpercentile(values[name], [25, 75])
        assert (min(box), max(box)) == tuple(quartiles)


def test_many_units_are_thinned_but_not_their_box(axes):
    values = {"a": np.arange(5000.0), "b": np.zeros(0)}
    draw_distribution(axes, values, "black")
    assert len(axes.collections[0].get_offsets()) == 300
    assert axes.texts[0].get_text() == "a (n = 5000)"
    [box] = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 5]
    assert (min(box), max(box)) == (1249.75, 3749.25)


def test_the_importances_of_a_bundle_are_read():
    """Features that the model does not take have none."""
    content = b"feature,rank,importance\na,1,0.2\nb,2,\nc,3,0.7\nd,4,0\n"
    assert read_importances(content, ("a", "c", "d"), 10).to_numpy().tolist() == [
        ["c", 0.7],
        ["a", 0.2],
    ]
    assert read_importances(content, ("a", "c", "d"), 1)["feature"].tolist() == ["c"]


@pytest.mark.parametrize("rows", [b"", b"a,b\n1,2", b"\xff", *TABLES])
def test_importances_of_something_else_are_refused(rows):
    with pytest.raises((ValueError, KeyError)):
        read_importances(rows, ("a", "c"), 10)
