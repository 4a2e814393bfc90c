"""What is found among the answers of a comparison: given classes that models doubt."""

import numpy as np
import pandas as pd
import pytest

from napari_marrow.learning.comparison.assemble import with_findings
from napari_marrow.learning.comparison.cross_validation import CrossValidated
from napari_marrow.learning.scores.findings import DataSummary
from napari_marrow.learning.scores.metrics import score_units, with_answers
from napari_marrow.learning.scores.results import EvaluationResult, ModelResult

CLASSES = ("ALL", "MM")
N_UNITS = 40


def cross_validated(n_wrong):
    """A model that is sure of 40 answers, of which the first ones are wrong."""
    names = [f"{k}.png" for k in range(N_UNITS)]
    codes = np.arange(N_UNITS) % 2
    told = np.where(np.arange(N_UNITS) < n_wrong, 1 - codes, codes)
    probabilities = np.where(told[:, None] == [0, 1], 0.97, 0.03)
    table = pd.DataFrame({"image": names, "index": 0, "y": 0.0, "x": 0.0, "source": names})
    table["class"] = np.array(CLASSES)[codes]
    answers = with_answers(table.assign(fold=1, repeat=1), probabilities, CLASSES)
    answers = answers.assign(model="svm", protocol="honest")
    scored = score_units(table, probabilities, CLASSES)
    by_fold = pd.DataFrame({"balanced_accuracy": [1.0], "test_share": [0.25]})
    return CrossValidated(ModelResult("svm", "honest", scored), answers, by_fold)


@pytest.mark.parametrize(("n_wrong", "doubted"), [(1, ["0.png"]), (20, [])])
def test_classes_are_doubted_by_a_model_that_is_better_than_chance(n_wrong, doubted):
    one = cross_validated(n_wrong)
    data = DataSummary("set", "field", (), "photograph", 1)
    found = with_findings(EvaluationResult("compare", (), data, (one.result,)), [one])
    assert [x.image for x in found.doubtful] == doubted
