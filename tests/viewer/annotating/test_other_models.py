"""A model trained on annotated cells answers for all cells of the photographs."""

import threading

import numpy as np
import pytest

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.jobs.train import TrainJob, run_training
from napari_marrow.learning.bundles.bundle import load_bundle
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.report.tables import verdict
from napari_marrow.viewer.annotating.other_models import ask_bundle, train_on_annotated


class Here:
    """Runs jobs in this process: classical models need no Keras."""

    def run(self, name, arguments, emit, should_stop):
        assert name == "train"
        return run_training(TrainJob.from_dict(arguments), emit, should_stop).to_dict()


@pytest.fixture
def trained(live, tmp_path):
    for first in (0, 12, 24):
        live.give(range(first, first + 4), "ALL")
        live.give(range(first + 6, first + 10), "MM")
    settings = TrainingSettings(model="naive-bayes", unit="cell")
    out = live.session.project.models / "naive-bayes.marrow"
    arguments = (live.photographs, settings, tmp_path / "session", out)
    made = train_on_annotated(Here(), *arguments, lambda event: None, lambda: False)
    assert made.classes == ("ALL", "MM")
    return out


def test_a_model_of_the_annotated_cells_answers_for_all(live, trained, qtbot):
    found = ask_bundle(trained, live.photographs, lambda event: None, lambda: False)
    assert found.answers.probabilities.shape == (36, 2)
    assert found.answers.model == "naive-bayes"
    info = load_bundle(trained).info
    assert found.sentences == tuple(verdict(info.evaluation, info.confounding))
    live.use(found.answers)
    qtbot.waitUntil(lambda: live.answers.model == "naive-bayes")
    expected = np.tile(np.repeat([0, 1], 6), 3)
    assert (live.answers.answers == expected).mean() > 0.9
    np.testing.assert_allclose(live.answers.probabilities.sum(axis=1), 1, atol=1e-6)


def test_it_can_be_stopped(live, trained):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        ask_bundle(trained, live.photographs, lambda event: None, stop.is_set)


def test_without_a_class_there_is_nothing_to_train_on(live, tmp_path):
    settings = TrainingSettings(model="naive-bayes", unit="cell")
    arguments = (live.photographs, settings, tmp_path / "session", tmp_path / "x.marrow")
    with pytest.raises(MarrowError, match="no cell is annotated"):
        train_on_annotated(Here(), *arguments, lambda event: None, lambda: False)


class Recorder:
    """Notes what would be trained on, and stops there."""

    def run(self, name, arguments, emit, should_stop):
        self.collection = TrainJob.from_dict(arguments).collection
        raise Stopped


def learnt(live, folder):
    """The cells that would be learnt from: class by number, by field."""
    child, settings = Recorder(), TrainingSettings(model="naive-bayes", unit="cell")
    with pytest.raises(Stopped):
        train_on_annotated(
            child,
            live.photographs,
            settings,
            folder,
            folder / "x.marrow",
            lambda event: None,
            lambda: False,
            live.answers.unseen_cells,
        )
    return {x.name: dict(x.cell_classes) for x in child.collection.fields}


def test_answers_that_nobody_looked_at_are_not_learnt_from(live, tmp_path, qtbot):
    live.give([0, 1], "ALL")
    live.give([6], "MM", who="live model")  # of one cell: a person looked at it
    live.give([2, 3, 7, 14], "MM", who="live model")
    qtbot.waitUntil(lambda: len(live.answers.unseen_cells) == 4)
    assert live.answers.unseen_cells == {("stack 0", k) for k in (3, 4, 8)} | {("stack 1", 3)}
    assert learnt(live, tmp_path / "a") == {"stack 0": {1: "ALL", 2: "ALL", 7: "MM"}}


def test_where_nobody_looked_at_any_answer_there_is_nothing_to_learn(live, tmp_path, qtbot):
    live.give([2, 3, 7], "MM", who="live model")
    qtbot.waitUntil(lambda: len(live.answers.unseen_cells) == 3)
    with pytest.raises(MarrowError, match="accepted together"):
        learnt(live, tmp_path / "a")
