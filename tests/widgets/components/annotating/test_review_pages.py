"""The pages that ask, count, correct and go back, over a project of three fields."""

import numpy as np
import pytest
from qtpy.QtCore import QModelIndex

from napari_marrow.data.project.annotations import Change, Given, Place
from napari_marrow.jobs.export_cells_job import ExportSettings
from napari_marrow.learning.counting.result import CountSettings
from napari_marrow.viewer.annotating.exchange import export_job
from napari_marrow.viewer.annotating.open_project import open_project_of
from napari_marrow.widgets.components.annotating import history_page
from napari_marrow.widgets.components.annotating.review_pages import ReviewPages
from napari_marrow.widgets.components.pages import Pages

KINDS = np.tile(np.repeat(["ALL", "MM"], 6), 3)
"""The class of each of the 36 cells."""


@pytest.fixture
def pages(live, viewer, qtbot):
    holder = Pages()
    qtbot.addWidget(holder)
    made = ReviewPages(viewer, holder)
    project = open_project_of(viewer)
    project.set_live(live)
    made.project = project
    holder.show()
    yield made
    project.set_live(None)


def teach(live, qtbot, number=24):
    """Give the first cells their class."""
    for name in ("ALL", "MM"):
        live.give(np.flatnonzero(KINDS[:number] == name).tolist(), name)
    qtbot.waitUntil(lambda: live.answers.model != "" and (live.answers.given >= 0).sum() == number)


def reviewed(pages, live, qtbot):
    """Wait for the review of what is there now."""
    qtbot.waitUntil(
        lambda: (
            pages.project.reviewing.review is not None
            and pages.project.reviewing.counts.all is not None
            and pages.project.reviewing.counts.all.given == (live.answers.reviewed >= 0).sum()
        ),
        timeout=10_000,
    )


def test_the_page_asks_says_why_and_what_the_answers_are_worth(pages, live, qtbot):
    assert pages.ask.why.text().startswith("Next shows")
    assert not pages.ask.stop_button.isEnabled()
    teach(live, qtbot, 8)
    reviewed(pages, live, qtbot)
    assert "not known yet" in pages.ask.worth.text()
    pages.ask.at_random.setChecked(True)
    pages.ask.next_button.click()
    for number in range(1, 4):
        qtbot.waitUntil(lambda: pages.project.questions.question is not None)
        assert "Drawn at random" in pages.ask.why.text()
        question = pages.project.questions.question
        row = live.answers.cells.row_of(question.field, question.index)
        pages.project.questions.answer(str(KINDS[row]))
        assert (live.answers.cells.index >= 1).all()
        drawn = [x for x in live.session.annotations.cells.values() if x.asked == "random"]
        assert len(drawn) == number
    pages.ask.stop_button.click()
    assert pages.project.questions.question is None
    qtbot.waitUntil(lambda: "3 cells drawn at random" in pages.ask.worth.text(), timeout=10_000)
    pages.ask.go_on.setChecked(False)
    assert not pages.project.questions.go_on


def test_shares_of_the_shown_field_and_of_all_follow_what_is_given(pages, live, viewer, qtbot):
    count = pages.count
    assert count.class_name.currentText() == "MM"
    assert count.table.rowCount() == 0
    teach(live, qtbot, 12)
    reviewed(pages, live, qtbot)
    assert [count.table.texts(k) for k in (0, 1)] == [
        ["ALL", "6 (50 %)", "18 (50 %)"],
        ["MM", "6 (50 %)", "18 (50 %)"],
    ]
    assert "36 cells in 3 fields as answered: too few to tell" in count.text.text()
    assert "not corrected for the errors of the model" in count.text.text()
    viewer.dims.set_point(0, 0)
    name = live.answers.cells.fields[0]
    qtbot.waitUntil(lambda: pages.project.reviewing.counts.field == name)
    assert "MM 50 % (25 to 75) of 12 cells in this field: above 10 %" in count.text.text()
    count.class_name.setCurrentText("ALL")
    qtbot.waitUntil(lambda: "ALL 50 %" in count.text.text())
    count.form.fields["cutoff"].value = 80.0
    qtbot.waitUntil(lambda: "below 80 %" in count.text.text())


def test_counts_and_verdict_of_the_shown_field_are_on_the_canvas(pages, live, viewer, qtbot):
    overlay = viewer.canvas.overlays.text
    teach(live, qtbot, 12)
    reviewed(pages, live, qtbot)
    assert overlay.text == (
        "stack\nALL 6, MM 6 of 12 cells (0 given)\nMM 50 % as answered: too few to tell\n"
        "research use only"
    )
    viewer.dims.set_point(0, 0)
    expected = "ALL 6, MM 6 of 12 cells (12 given)\nMM 50 % (25 to 75): above 10 %\n"
    qtbot.waitUntil(lambda: expected in overlay.text)
    viewer.dims.set_point(0, 2)
    assert "12 given" not in overlay.text  # at once
    qtbot.waitUntil(lambda: "(0 given)" in overlay.text)
    pages.project.set_live(None)
    assert "given" not in overlay.text


def test_answers_are_accepted_in_one_step_of_undo_and_are_not_as_given(
    pages, live, qtbot, tmp_path
):
    teach(live, qtbot)
    reviewed(pages, live, qtbot)
    pages.correct.form.fields["probability"].value = 0.5
    sure = np.flatnonzero((live.answers.given < 0) & (live.answers.reasons == ""))
    names = [live.answers.classes[k] for k in live.answers.answers[sure]]
    assert len(sure) > 3
    assert set(names) == {"ALL", "MM"}
    assert f"{len(sure)} answers to accept" in pages.correct.about.text()
    entries = len(live.session.project.entries)
    pages.correct.accept_button.click()
    assert len(live.session.project.entries) == entries + 1
    cells = [*live.session.annotations.cells.values()][24:]
    assert cells == [Given(name, "live model") for name in names]
    qtbot.waitUntil(lambda: (live.answers.given >= 0).sum() == len(sure) + 24)
    qtbot.waitUntil(lambda: pages.project.reviewing.review.known.unseen.sum() == len(sure))
    assert pages.project.reviewing.review.count(CountSettings(class_name="MM"), None).given == 24
    job = export_job(live, tmp_path, ExportSettings())
    assert np.flatnonzero(job.answers.unseen).tolist() == sure.tolist()
    live.session.undo()
    assert len(live.session.annotations.cells) == 24


def test_doubtful_classes_are_a_queue_and_corrections_are_counted(pages, live, qtbot):
    live.record({30: Given("ALL", "dcnn"), 31: Given("MM", "dcnn")})
    live.give([30], "MM")
    live.give([5], "MM")  # it is round as all ALL
    others = [k for k in range(36) if k not in (5, 30, 31)]
    for name in ("ALL", "MM"):
        live.give([k for k in others if KINDS[k] == name], name)
    qtbot.waitUntil(lambda: (live.answers.given >= 0).sum() == 36)
    reviewed(pages, live, qtbot)
    text = pages.correct.doubts.text()
    assert "1 given class is doubted" in text
    assert "1 accepted answer corrected" in text
    assert not pages.correct.keep_button.isEnabled()
    pages.correct.doubtful_button.click()
    question = pages.project.questions.question
    assert live.answers.cells.row_of(question.field, question.index) == 5
    assert "Given MM" in pages.correct.doubts.text()
    pages.correct.keep_button.click()
    qtbot.waitUntil(lambda: "0 given classes are doubted" in pages.correct.doubts.text())


def test_the_history_is_shown_latest_first_and_any_moment_comes_back(pages, live, qtbot):
    live.give([0, 1, 2], "ALL")
    live.give([6], "MM")
    live.give([0], None)
    history = pages.history
    texts = [
        [history.model.data(history.model.index(row, column)) for column in (1, 2)]
        for row in range(history.model.rowCount())
    ]
    assert texts == [
        ["4: 1 cell: no class", "person"],
        ["3: 1 cell: MM", "person"],
        ["2: 3 cells: ALL", "person"],
        ["1: classes: ALL, MM", "person"],
    ]
    assert not history.bring_button.isEnabled()
    history.table.selectRow(2)
    assert "After entry 2: 2 cells would change" in history.about.text()
    assert "1 cell: no class" in history.about.text()
    assert "1 cell: ALL" in history.about.text()
    history.bring_button.click()
    assert live.session.annotations.counts == {"ALL": 3}
    assert history.model.data(history.model.index(0, 1)) == "5: brought back 2"
    live.session.undo()
    assert live.session.annotations.counts == {"ALL": 2, "MM": 1}


def test_of_a_long_history_texts_are_made_for_what_is_seen(pages, live, monkeypatch, qtbot):
    made = []
    before = history_page.in_words
    monkeypatch.setattr(history_page, "in_words", lambda x: made.append(x.number) or before(x))
    monkeypatch.setattr("os.fsync", lambda handle: None)
    project = live.session.project
    for k in range(2000):
        place = Place("elsewhere.bmp", k, k)
        project.record("annotate", [Change(place, None, Given("MM"))])
    live.session.changed.emit()
    assert pages.history.model.rowCount(QModelIndex()) == 2001
    pages.history.show()
    pages.history.table.grab()
    assert 0 < len({*made}) < 50


def test_without_a_project_nothing_can_be_pressed(viewer, qtbot):
    holder = Pages()
    qtbot.addWidget(holder)
    pages = ReviewPages(viewer, holder)
    buttons = [
        pages.ask.next_button,
        pages.ask.stop_button,
        pages.correct.accept_button,
        pages.correct.doubtful_button,
        pages.correct.keep_button,
        pages.history.bring_button,
    ]
    assert not any(x.isEnabled() for x in buttons)
    assert pages.history.model.rowCount() == 0
    assert pages.count.table.rowCount() == 0
