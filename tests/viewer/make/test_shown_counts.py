"""Counts of predicted cells and the share of a class, in words."""

import numpy as np
import pandas as pd
import pytest
from napari.layers import Labels
from statsmodels.stats.proportion import proportion_confint

from napari_marrow.learning.counting.heldout import HeldOutErrors
from napari_marrow.viewer.make.cell_table import cell_colours
from napari_marrow.viewer.make.field_share import field_share
from napari_marrow.viewer.make.shown_counts import all_counts, field_counts


def table(n_all, n_mm):
    classes = ["ALL"] * n_all + ["MM"] * n_mm
    numbers = np.arange(1, len(classes) + 1)
    both = {"probability_ALL": 0.6, "probability_MM": 0.4}
    return pd.DataFrame({"index": numbers, "class": classes, "uncertain": False, **both})


@pytest.fixture
def layer():
    cells = table(5, 3).assign(field=[0, 0, 0, 1, 1, 1, 1, 1], corrected=False)
    cells.loc[[1, 6, 7], "uncertain"] = True
    cells.loc[7, "corrected"] = True
    return Labels(np.zeros((3, 4, 5), int), features=cells)


def test_cells_are_counted_by_their_colours(layer):
    """By hand: cells 1 to 3 and 4 to 8, of which 2 and 7 are doubted and 8 is corrected."""
    first, second = field_counts(layer, 0), field_counts(layer, 1)
    assert (dict(first.classes), first.uncertain, first.corrected) == ({"ALL": 2, "MM": 0}, 1, 0)
    assert (dict(second.classes), second.uncertain, second.corrected) == ({"ALL": 2, "MM": 2}, 1, 1)
    assert field_counts(layer, 2).text == "0 ALL (orange), 0 MM (green),\n0 uncertain (grey)"
    assert all_counts(layer).text == "4 ALL (orange), 2 MM (green),\n2 uncertain (grey)"
    for name, hue, _ in all_counts(layer).shown[:2]:
        number = layer.features.loc[layer.features["class"] == name, "index"].iloc[-1]
        shown = cell_colours(layer.features, ["ALL", "MM"]).color_dict[int(number)]
        if name == "MM" or number not in (2, 7):
            expected = [int(hue[k : k + 2], 16) / 255 for k in (1, 3, 5)]
            np.testing.assert_allclose(shown[:3], expected, atol=1e-6)


def test_another_table_is_counted_anew(layer):
    assert field_counts(layer, 0).classes["MM"] == 0
    layer.features = layer.features.assign(**{"class": "MM"})
    assert field_counts(layer, 0).classes["MM"] == 2


@pytest.mark.parametrize(("n_all", "n_mm"), [(8, 4), (1, 0), (50, 150)])
def test_the_share_without_errors_is_that_of_wilson(n_all, n_mm):
    low, high = proportion_confint(n_all, n_all + n_mm, method="wilson")
    text = field_share(table(n_all, n_mm), "ALL")
    share, interval = text.split(" % (")
    assert float(share.removeprefix("ALL ")) == round(100 * n_all / (n_all + n_mm))
    shown = [float(x) for x in interval.split(";")[0].split(" to ")]
    np.testing.assert_allclose(shown, [100 * low, 100 * high], atol=0.5)
    assert text.endswith("; sampling alone)")


def test_errors_of_the_model_move_the_share_as_rogan_and_gladen_have_it():
    errors = HeldOutErrors(("ALL", "MM"), ((90, 10), (20, 80)), (1, 1), (8, 8))
    text = field_share(table(100, 100), "ALL", errors)
    assert text.startswith(f"ALL {100 * (0.5 - 0.2) / (0.9 - 0.2):.0f} % (")
    assert "sampling" not in text
    none_there = field_share(
        table(0, 200), "MM", HeldOutErrors(("ALL", "MM"), ((60, 40), (40, 60)), (1, 1), (8, 8))
    )
    assert none_there.endswith("; sampling alone)")  # they can't give that
    assert field_share(table(0, 0), "ALL") == field_share(table(1, 0), None) == ""
