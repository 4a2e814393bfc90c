"""Predicted cells of photographs whose fields have the same names are not mixed."""

import pandas as pd
import pytest

from napari_marrow.data.errors import MarrowError
from napari_marrow.jobs.export_cells_job import ExportSettings
from napari_marrow.viewer.annotating.predicted_cells import PredictedCells, predicted_job


def test_two_photographs_with_fields_of_one_name_are_refused(live, tmp_path):
    (photograph,) = live.photographs
    table = pd.DataFrame({"index": [1], "y": [24.0], "x": [24.0], "field": [0], "class": ["ALL"]})
    table = table.assign(probability_ALL=1.0, uncertain=False, reason="")
    one = PredictedCells(photograph, photograph.nuclei.data, table, "svm")
    settings = ExportSettings()
    assert predicted_job([one], tmp_path / "out", settings).answers.cells.fields == ("stack 0",)
    with pytest.raises(MarrowError, match="both have a field stack 0; close one"):
        predicted_job([one, one], tmp_path / "out", settings)
