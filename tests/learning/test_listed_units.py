"""What is listed before anything is measured is what is then learnt from."""

from dataclasses import replace

import pandas as pd
import pytest

from napari_marrow.data.failures import Failures
from napari_marrow.data.layouts import scan
from napari_marrow.learning.learners import SILENT, learner_class
from napari_marrow.learning.listed_units import list_units
from napari_marrow.learning.settings import TrainingSettings


@pytest.mark.parametrize("model", ["dcnn", "logistic"])
@pytest.mark.parametrize("unit", ["field", "cell"])
def test_the_units_that_are_learnt_from(make_snam, tmp_path, model, unit):
    collection = scan(make_snam(tmp_path, 3))
    unknown = replace(collection.fields[0], class_name=None)
    collection = replace(collection, fields=(unknown, *collection.fields[1:]))
    settings = TrainingSettings(model=model, unit=unit, families=("histogram",))
    listed = list_units(collection, settings, SILENT, Failures())
    learner = learner_class(settings.kind)(collection, settings, SILENT, Failures())
    columns = ["image", "index", "class", "source"]
    pd.testing.assert_frame_equal(
        listed[columns].astype(str), learner.table[columns].astype(str), check_dtype=False
    )
