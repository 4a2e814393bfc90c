"""The table of cells and that of shares, by hand and against statsmodels."""

import numpy as np
import pandas as pd
import pytest
from skimage.measure import regionprops
from statsmodels.stats.proportion import proportion_confint

import answered
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.outputs import write_csv
from napari_marrow.report.exports.tables import (
    CELLS,
    SHARES,
    FieldPixels,
    cell_table,
    shares_table,
)


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


def test_shares_count_cells_with_a_class_and_have_wilsons_interval_in_a_field():
    found = shares_table(answered.answers(), [answered.FIRST, answered.SECOND])
    by = found.set_index(["image", "class"])
    assert by.loc[(answered.FIRST, "MM"), ["cells", "counted", "uncertain"]].tolist() == [4, 3, 1]
    assert by.loc[(answered.SECOND, "other"), ["cells", "counted"]].tolist() == [2, 1]
    assert by.loc[("all fields", "MM"), ["cells", "counted", "uncertain"]].tolist() == [6, 4, 1]
    low, high = proportion_confint(3, 4, method="wilson")
    row = by.loc[(answered.FIRST, "MM")]
    assert row[["share", "low", "high"]].tolist() == pytest.approx([0.75, low, high], abs=1e-9)
    together = by.loc[("all fields", "MM")]
    assert together["low"] < 4 / 6 < together["high"]
    assert found.groupby("image")["share"].sum().tolist() == pytest.approx([1, 1, 1], abs=1e-9)


def test_fields_may_be_left_out_of_the_shares():
    found = shares_table(answered.answers(), [answered.SECOND])
    assert set(found["image"]) == {"all fields", answered.SECOND}
    assert found["counted"].tolist() == [0, 1, 1] * 2
