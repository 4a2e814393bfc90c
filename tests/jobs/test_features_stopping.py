"""Scoring can be stopped, and is not changed by being watched."""

import numpy as np
import pandas as pd
import pytest

from napari_marrow.data.errors import Stopped
from napari_marrow.jobs.features import score_features
from napari_marrow.measure.chi2 import select_features
from napari_marrow.measure.settings import ChiSquareSettings


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    values = pd.DataFrame(rng.random((12, 4)), columns=list("abcd"))
    known = {"image": "x", "index": 0, "y": 0.0, "x": 0.0, "class": ["ALL", "MM"] * 6}
    return values.assign(source=[f"s{k}" for k in range(12)], **known)


def test_scoring_stops_between_two_resamples(table):
    asked = []

    def should_stop():
        asked.append(len(asked))
        return len(asked) == 4

    with pytest.raises(Stopped):
        score_features(table, ChiSquareSettings(resamples=1000), should_stop)
    assert len(asked) == 4


def test_watching_changes_nothing(table):
    told = []
    given = table[list("abcd")], table["class"], table["source"], ChiSquareSettings(resamples=5)
    watched = select_features(*given, told.append)
    pd.testing.assert_frame_equal(watched, select_features(*given), rtol=0, atol=1e-09)
    assert told == pytest.approx([0, 0.2, 0.4, 0.6, 0.8], abs=1e-9)
