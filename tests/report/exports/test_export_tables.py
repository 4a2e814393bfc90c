"""The table of cells and that of shares, by hand and against statsmodels."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from skimage.measure import regionprops
from statsmodels.stats.proportion import proportion_confint

import answered
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.marks.reading import read_marks
from napari_marrow.data.outputs import write_csv
from napari_marrow.learning.annotating.shares import count_classes
from napari_marrow.learning.counting.heldout import HeldOutErrors
from napari_marrow.learning.counting.result import CountSettings
from napari_marrow.report.exports.geojson import feature_collection, write_geojson
from napari_marrow.report.exports.pixels import FieldPixels
from napari_marrow.report.exports.tables import CELLS, SHARES, cell_table, shares_table


def table(name):
    return cell_table(answered.answers(), name, answered.fields()[name])


def test_class_is_that_given_else_the_models_and_both_origins_are_named():
    found = table(answered.FIRST)
    assert found["class"].tolist() == ["ALL", "MM", "MM", "MM"]
    assert found["model_class"].tolist() == ["ALL", "ALL", "MM", "MM"]
    assert found["class_from"].tolist() == ["live model", "person", "live model", "live model"]
    assert found["annotated"].tolist() == [False, True, False, False]
    assert found["probability"].tolist() == [0.75, 0.375, 0.5, 0.75]
    assert found["uncertain"].tolist() == [False, False, True, False]
    assert found["reason"].tolist() == ["", "", "low probability", ""]
    second = table(answered.SECOND)
    assert second["class"].tolist() == ["MM", "other", ""]
    assert second["class_from"].tolist() == second["model"].tolist() == ["live model"] * 2 + [""]
    assert second["annotated"].tolist() == [False, True, False]
    assert np.isnan(second["probability"].iloc[2])


def test_answers_accepted_together_are_not_annotated_and_do_not_come_back(tmp_path):
    """Also where the model has changed its mind since."""
    known = answered.answers()
    given, origins = known.given.copy(), known.origins.astype(object)
    given[2], origins[2] = 0, "live model"  # it says MM now
    unseen = np.isin(np.arange(7), [2, 5])
    known = dataclasses.replace(known, given=given, origins=origins.astype(str), unseen=unseen)
    tables = [cell_table(known, x, pixels) for x, pixels in answered.fields().items()]
    found = pd.concat(tables, ignore_index=True)
    assert found["annotated"].tolist() == [False, True, *[False] * 5]
    assert found["class"].tolist() == ["ALL", "MM", "ALL", "MM", "MM", "other", ""]
    write_csv(found, tmp_path / "cells.csv")
    (mark,) = read_marks(tmp_path / "cells.csv").numbered
    assert (mark.image, mark.number, mark.class_name, mark.who) == (
        answered.FIRST, 2, "MM", "person",
    )  # fmt: skip
    first = feature_collection(tables[0], known, answered.first_field(), answered.COLOURS)
    write_geojson(tmp_path / "a.geojson", first)
    back = read_marks(tmp_path / "a.geojson")
    assert [(x.class_name, x.who) for x in back.marks] == [("MM", "person")]


def test_places_and_areas_are_those_of_scikit_image():
    pixels, found = answered.first_field(), table(answered.FIRST)
    for row, region in zip(found.itertuples(), regionprops(pixels.nuclei), strict=True):
        assert (row.index, row.area_px) == (region.label, region.area)
        assert (row.y, row.x) == pytest.approx(region.centroid, abs=1e-9)
    assert found["area_um2"].tolist() == [100 / 8, 50 / 8, 200 / 8, 50 / 8]
    cell = [16 * 13, 16 * 7]
    assert found["cell_area_px"].tolist()[:2] == cell
    assert found["nucleus_to_cell_ratio"].tolist()[:2] == [100 / cell[0], 50 / cell[1]]
    assert found[["cell_area_px", "nucleus_to_cell_ratio"]].iloc[2:].isna().all(axis=None)
    assert table(answered.SECOND)["area_um2"].isna().all()


def test_tables_are_recognised_and_read_back(tmp_path):
    found = table(answered.FIRST)
    write_csv(found, tmp_path / "cells.csv")
    assert CELLS.is_ours(tmp_path / "cells.csv")
    again = pd.read_csv(tmp_path / "cells.csv", keep_default_na=True).fillna({"reason": ""})
    pd.testing.assert_frame_equal(again, found, check_dtype=False, rtol=0, atol=1e-9)
    write_csv(shares_table(answered.answers(), [answered.FIRST]), tmp_path / "shares.csv")
    assert SHARES.is_ours(tmp_path / "shares.csv")


def test_a_cell_that_is_gone_is_named():
    pixels = answered.second_field()
    nuclei = np.where(pixels.nuclei == 3, 0, pixels.nuclei)
    with pytest.raises(MarrowError, match=r"b\.png has no cell 3"):
        cell_table(answered.answers(), answered.SECOND, FieldPixels(pixels.image, nuclei))


def by_class(answers, fields, errors=None):
    return shares_table(answers, fields, errors).set_index(["image", "class"])


def test_answers_have_a_share_without_an_interval_that_would_leave_their_errors_out():
    found = by_class(answered.answers(), [answered.FIRST])
    row = found.loc[(answered.FIRST, "MM")]
    expected = {"cells": 4, "given": 1, "without_class": 0, "counted": 3, "uncertain": 1}
    assert {name: row[name] for name in expected} == expected
    assert (row["share"], row["basis"]) == (0.75, "answered")
    assert found[["low", "high"]].isna().all(axis=None)


def test_classes_that_were_all_given_have_wilsons_interval_in_a_field():
    known = answered.answers()
    given = np.where(known.given < 0, known.answers, known.given)
    rows = by_class(dataclasses.replace(known, given=given), [answered.FIRST])
    row = rows.loc[(answered.FIRST, "MM")]
    low, high = proportion_confint(3, 4, method="wilson")
    assert row[["share", "low", "high"]].tolist() == pytest.approx([0.75, low, high], abs=1e-9)
    assert row["basis"] == "given"


def test_there_is_no_share_where_a_cell_has_no_class():
    found = by_class(answered.answers(), [answered.FIRST, answered.SECOND])
    row = found.loc[(answered.SECOND, "other")]
    assert row[["cells", "without_class", "counted"]].tolist() == [3, 1, 1]
    assert found.loc[["all fields", answered.SECOND], "share"].isna().all()
    assert found.loc[("all fields", "MM"), "counted"] == 4


def test_errors_of_the_model_are_in_the_shares_as_the_count_has_them():
    confusion = ((30, 5, 1), (4, 40, 2), (1, 2, 20))
    errors = HeldOutErrors(("ALL", "MM", "other"), confusion, (1.0, 1.0, 1.0), (9, 9, 9))
    known = answered.answers()
    found = by_class(known, [answered.FIRST], errors)
    rows = np.arange(4)
    for name in known.classes:
        counts = count_classes(known, rows, errors, CountSettings(class_name=name))
        (share,) = (x for x in counts.shares if x.class_name == name)
        row = found.loc[(answered.FIRST, name)]
        assert row["basis"] == counts.basis == "corrected"
        expected = [share.estimate, share.low, share.high]
        assert row[["share", "low", "high"]].tolist() == pytest.approx(expected, abs=1e-12)


def test_fields_may_be_left_out_of_the_shares():
    found = shares_table(answered.answers(), [answered.SECOND])
    assert set(found["image"]) == {"all fields", answered.SECOND}
    assert found["counted"].tolist() == [0, 1, 1] * 2
