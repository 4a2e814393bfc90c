"""Photographs from cells: the mean by hand, and photographs that have no class."""

import numpy as np
import pandas as pd
import pytest

from napari_marrow.learning.scores.by_field import answers_by_field, score_fields
from napari_marrow.learning.scores.described import described
from napari_marrow.learning.scores.evaluation import Evaluation, Score
from napari_marrow.learning.scores.results import ModelResult

TWO = ("ALL", "MM")


def cells(image, truth, *chances, **more):
    """Answers for the cells of a photograph."""
    chance = np.array(chances)
    columns = {"image": image, "index": range(1, len(chances) + 1), "class": truth, "source": image}
    probabilities = {"probability_ALL": chance, "probability_MM": 1 - chance}
    predicted = np.where(chance > 0.5, *TWO)
    return pd.DataFrame(columns | {"predicted": predicted} | probabilities | more)


def test_the_answer_is_that_of_the_mean_probability():
    """Two of three cells say MM, and the mean is 0.6 for ALL."""
    table = pd.concat([cells("a", "ALL", 0.98, 0.42, 0.4), cells("b", "MM", 0.1, 0.3)])
    found = answers_by_field(table, TWO)
    assert found["image"].tolist() == ["a", "b"]
    assert found["predicted"].tolist() == ["ALL", "MM"]
    assert found["probability_ALL"].tolist() == pytest.approx([0.6, 0.2], abs=1e-9)
    scored = score_fields(table, TWO)
    assert (scored.units, scored.sources, scored.confusion) == (2, 2, [[1, 0], [0, 1]])
    assert scored.metrics["accuracy"].estimate == 1


def test_each_repeat_has_its_own_answer():
    first = cells("a", "ALL", 0.9, 0.8, repeat=1)
    table = pd.concat([first, cells("a", "ALL", 0.2, 0.1, repeat=2)])
    assert answers_by_field(table, TWO)["predicted"].tolist() == ["ALL", "MM"]


def test_photographs_of_one_cell_or_of_several_classes_are_not_scored():
    single = pd.concat([cells("a", "ALL", 0.9), cells("b", "MM", 0.1)])
    assert score_fields(single, TWO) is None
    repeated = pd.concat([single.assign(repeat=1), single.assign(repeat=2)])
    assert score_fields(repeated, TWO) is None
    assert score_fields(cells("a", ["ALL", "MM"], 0.9, 0.1), TWO) is None


def test_a_result_is_described_by_its_answers():
    table = pd.concat([cells("a", "ALL", 0.9, 0.8), cells("b", "MM", 0.1, 0.3)])
    score = Score(1, 0.5, 1, 0.5)
    scored = Evaluation({"accuracy": score}, [[2, 0], [0, 2]], TWO, "ALL", 4, 2, 1.0)
    of_cells = described(ModelResult("svm", "honest", scored), table, TWO, "cell")
    assert of_cells.by_field.units == 2
    assert of_cells.recalibration.of == "ALL"
    assert of_cells.curves.roc.y[-1] == 1
    assert described(of_cells, table, TWO, "field").by_field is None
