"""The page of the model: trains on the annotated cells, keeps the models, changes who answers."""

import numpy as np
import pytest

from napari_marrow.jobs.train import TrainJob, run_training
from napari_marrow.learning.annotating.other_answers import OtherAnswers
from napari_marrow.widgets.components.annotating.model_page import ModelPage
from napari_marrow.widgets.components.dock_widget import DockWidget
from napari_marrow.widgets.components.job_process import JobProcess
from napari_marrow.widgets.components.run_panel import RunPanel


@pytest.fixture
def page(viewer, live, qtbot, monkeypatch):
    owner, run = DockWidget(viewer, 300), RunPanel()
    qtbot.addWidget(owner)
    qtbot.addWidget(run)
    made = ModelPage(owner, run, JobProcess(owner))
    qtbot.addWidget(made)
    made.show_session(live)

    def here(name, arguments, emit, should_stop):
        return run_training(TrainJob.from_dict(arguments), emit, should_stop).to_dict()

    monkeypatch.setattr(made._process.client, "run", here)
    yield made
    made.task.cancel()
    made.show_session(None)
    owner.closed.emit()


def teach(live):
    for first in (0, 12, 24):
        live.give(range(first, first + 4), "ALL")
        live.give(range(first + 6, first + 10), "MM")


def shown(page):
    return [page.answers.itemText(k) for k in range(page.answers.count())]


def test_without_classes_it_says_what_to_do(page):
    page.train()
    assert "two classes" in page._run.status.text()
    assert not page.task.busy


def test_a_trained_model_answers_and_is_kept_in_the_project(page, live, qtbot):
    teach(live)
    qtbot.waitUntil(lambda: live.answers.model == "live model")
    page.models.setCurrentText("naive-bayes")
    page.train_button.click()
    assert not page.train_button.isEnabled()
    qtbot.waitUntil(lambda: live.answers.model == "naive-bayes", timeout=30_000)
    assert (live.session.project.models / "naive-bayes.marrow" / "bundle.json").is_file()
    assert shown(page) == ["live model", "naive-bayes"]
    assert page.answers.currentText() == "naive-bayes"
    assert "chance" in page.about.text() or "Not measured" in page.about.text()
    before = live.answers.probabilities.copy()
    page.answers.setCurrentText("live model")
    page.answers.activated.emit(0)
    qtbot.waitUntil(lambda: live.answers.model == "live model")
    page.answers.setCurrentText("naive-bayes")
    page.answers.activated.emit(1)
    qtbot.waitUntil(lambda: live.answers.model == "naive-bayes", timeout=30_000)
    np.testing.assert_allclose(live.answers.probabilities, before)


def test_edited_nuclei_are_to_be_asked_again(page, live, viewer, qtbot):
    live.use(OtherAnswers.of(live.answers, "dcnn", np.tile([1.0, 0.0], (36, 1)), np.full(36, "")))
    qtbot.waitUntil(lambda: live.answers.model == "dcnn")
    viewer.dims.set_point(0, 0)
    nuclei = viewer.layers["stack nuclei"]
    with nuclei.block_history():
        nuclei.paint((0, *np.argwhere(np.array(nuclei.data[0]) == 1)[0] - 1), 1)
    expected = "1 cell was changed since dcnn answered; choose it again under Answers by."
    qtbot.waitUntil(lambda: page.warning.text() == expected)


def test_the_cell_that_is_pointed_at_is_described_as_it_is_now(page, live, viewer, qtbot):
    field = live.session.shown(viewer.layers["stack"])
    page.point_at(field, 3)
    assert page.pointed.text() == "Cell 3: no class."
    live.give([live.answers.cells.row_of("stack 1", 3)], "MM")
    qtbot.waitUntil(lambda: "MM, given by a person" in page.pointed.text())
    page.point_at(field, 0)
    assert "Point at a cell" in page.pointed.text()
    page.show_session(None)
    assert not page.train_button.isEnabled()
