"""What is shown of a training while it runs; events are fed, nothing is trained."""

import io
from dataclasses import replace
from functools import partial

import pytest
from PIL import Image
from qtpy.QtGui import QFontMetrics

from napari_marrow.jobs.events import Event
from napari_marrow.jobs.watched import WatchedReport, WatchedThumbnails
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.widgets.components.training.runs import Run
from napari_marrow.widgets.components.training.time_left import TimeLeft, left_text
from napari_marrow.widgets.components.training.view import REFRESH_MS, TrainingView, status_text


def png(colour):
    file = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "png")
    return file.getvalue()


THUMBNAILS = WatchedThumbnails(
    (png("red"), png("blue"), png("green")),
    ("ALL", "MM", "MM"),
    ("a.bmp", "b.bmp, nucleus 3", "c.bmp"),
    ("ALL", "MM"),
    "validation",
)


def epoch(number, loss=0.5, **more):
    values = {"epoch": number, "loss": loss, "learning_rate": 0.001, **more}
    return Event("progress", f"Epoch {number}", 0.5, values)


def answers(*rows, thumbnails=None, member=1, number=1):
    return WatchedReport(rows, number, member, thumbnails).to_event()


@pytest.fixture
def view(make_napari_viewer_proxy, qtbot):
    view = TrainingView(make_napari_viewer_proxy())
    qtbot.addWidget(view)
    return view


def begun(view, **settings):
    run = Run("run", TrainingSettings(**settings))
    view.begin(run)
    view.show_runs([run])
    return run


def test_epochs_fill_the_plot_and_the_line(view, qtbot):
    run = begun(view, epochs=7, patience=0)
    assert view.is_empty  # no axes without an epoch
    for k in (1, 2):
        view.hear(run, epoch(k, accuracy=0.5))
    assert [row["epoch"] for row in run.history] == [1, 2]
    first = "Epoch 2 of 7, less than 10 s left, learning rate 0.001"
    qtbot.waitUntil(lambda: view.status.text().startswith(first))
    assert not view.plot.isHidden()
    view.hear(run, Event("message", "Goes on after epoch 2."))
    assert view.status.text() == "Goes on after epoch 2."
    view.end()
    assert view.status.isHidden()


def test_fast_epochs_are_shown_together_and_the_last_is_not_lost(view, qtbot):
    run, shown = begun(view, epochs=9, patience=0), []
    view.refreshed.connect(lambda run: shown.append(len(run.history)))
    for k in range(1, 10):
        view.hear(run, epoch(k))
    assert shown == [1]  # the first at once
    assert "Epoch 1 of 9" in view.status.text()
    qtbot.waitUntil(lambda: shown == [1, 9])
    assert len(view.plot.loss.lines[0].points) == 9
    qtbot.wait(2 * REFRESH_MS)
    assert shown == [1, 9]
    another = begun(view, epochs=9)
    view.hear(another, epoch(1))
    assert "Epoch 1 of 9" in view.status.text()


def test_thumbnails_show_class_answer_and_probability_and_mark_what_is_wrong(view):
    run = begun(view)
    rows = ((0.9, 0.1), (0.75, 0.25), (0.4, 0.6))
    view.hear(run, answers(*rows, thumbnails=THUMBNAILS))
    shown = view.samples.samples
    assert [x.lines[0] for x in shown] == ["ALL", "MM", "MM"]
    found = [(x.lines[1].split()[1], x.lines[2]) for x in shown]
    assert found == [("ALL", "90%"), ("ALL", "75%"), ("MM", "60%")]
    assert [x.wrong for x in shown] == [False, True, False]
    assert shown[0].lines[1][0] == shown[2].lines[1][0] != shown[1].lines[1][0]
    assert "b.bmp, nucleus 3" in shown[1].toolTip()
    assert "2 of 3 right" in view.samples.about.text()
    view.hear(run, answers((0.1, 0.9), (0.2, 0.8), (0.9, 0.1), number=5))
    assert view.samples.samples == shown  # the same images
    assert [x.wrong for x in shown] == [True, False, True]
    assert "epoch 5" in view.samples.about.text()


def test_the_picture_is_that_of_the_event_and_a_wrong_one_has_a_frame(view, qtbot):
    run = begun(view)
    view.hear(run, answers((0.9, 0.1), (0.9, 0.1), (0, 1), thumbnails=THUMBNAILS))
    view.resize(360, 500)
    view.show()
    for sample, colour, wrong in zip(
        view.samples.samples, ("red", "blue", "green"), (False, True, False), strict=True
    ):
        image = sample.grab().toImage()
        middle, edge = (image.pixelColor(sample.width() // 2, y).name() for y in (32, 1))
        assert middle == {"red": "#ff0000", "blue": "#0000ff", "green": "#008000"}[colour]
        assert (edge != middle) == wrong


def test_the_texts_below_images_have_the_font_of_the_widget(view, qtbot):
    """As napari sets it, by a style sheet: of all but what is added later."""
    view.setStyleSheet("SamplePredictions { font-size: 17pt; }")
    view.resize(360, 900)
    view.show()
    run = begun(view)
    for number in (1, 2):  # the second images come into a widget that is shown
        thumbnails = replace(THUMBNAILS, names=(f"{number}",) * 3)
        view.hear(run, answers(*((0.9, 0.1),) * 3, thumbnails=thumbnails))
        assert {x.toolTip()[0] for x in view.samples.samples} == {f"{number}"}
        qtbot.waitUntil(lambda: all(x.isVisible() for x in view.samples.samples))
        for sample in view.samples.samples:
            assert sample.font().pointSize() == 17
            enough = 64 + 3 * QFontMetrics(sample.font()).height()
            qtbot.waitUntil(partial(lambda x, y: x.height() >= y, sample, enough))
    view.setStyleSheet("SamplePredictions { font-size: 10pt; }")
    assert {x.font().pointSize() for x in view.samples.samples} == {10}


def test_answers_are_of_one_of_several_networks_or_of_all(view):
    run = begun(view, members=2)
    rows = ((0.9, 0.1),) * 3
    view.hear(run, answers(*rows, thumbnails=THUMBNAILS, member=2, number=4))
    assert "epoch 4, network 2 of 2" in view.samples.about.text()
    view.hear(run, answers(*rows, member=0))
    assert "all networks" in view.samples.about.text()


def test_a_classical_model_shows_neither_curves_nor_images(view):
    run = begun(view, model="svm")
    assert view.is_empty
    view.hear(run, Event("progress", "Measuring", 0.3))
    assert view.is_empty
    run.state = "finished"
    view.show_runs([run])
    assert view.is_empty


def test_of_several_runs_there_are_curves_and_no_images(view):
    runs = [begun(view), begun(view)]
    view.show_runs(runs[:1])
    for run in runs:
        view.hear(run, epoch(1))
        view.hear(run, answers((1, 0), (1, 0), (1, 0), thumbnails=THUMBNAILS))
    assert view.samples.samples
    view.show_runs(runs)
    assert view.samples.isHidden()
    assert len(view.plot.loss.lines) == 2
    view.show_runs(runs[1:])
    assert view.samples.samples  # as they were last


def test_the_line_says_when_it_may_end_sooner():
    rows = [{"epoch": k, "loss": 1, "val_loss": x} for k, x in enumerate((0.5, 0.3, 0.4, 0.6), 1)]
    text = status_text(rows, TrainingSettings(epochs=40, patience=12), 125.0)
    assert "about 2 min left" in text
    assert "validation loss has not improved for 12 epochs (now 2)" in text
    assert "sooner" not in status_text(rows, TrainingSettings(patience=0), None)
    alone = [{"epoch": k, "loss": float("nan")} for k in (1, 2)]
    assert "training loss" in status_text(alone, TrainingSettings(), None)


def test_the_line_counts_epochs_of_each_network():
    rows = [{"epoch": k, "loss": 1 / k, "member": m} for m in (1, 2) for k in (1, 2, 3)]
    text = status_text(rows[:-1], TrainingSettings(epochs=9, members=2), None)
    assert text.startswith("Network 2 of 2, epoch 2 of 9, time left not known yet")
    assert "(now 0)" in text


def test_time_left_is_that_of_usual_epochs_times_those_to_come():
    left = TimeLeft(10, networks=2)
    assert left.seconds is None
    left.add(1, 1, 100.0)
    assert left.seconds is None
    for k, at in enumerate((102, 104, 160, 162), 2):  # something else was busy once
        left.add(k, 1, float(at))
    assert left.seconds == 2 * (5 + 10)
    left.add(1, 2, 164.0)  # the first network stopped early
    assert left.seconds == 2 * 9
    for k in range(2, 11):
        left.add(k, 2, 164.0 + 3 * k)
    assert left.seconds == 0


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "not known"),
        (4, "less than 10 s"),
        (44, "about 40 s"),
        (59, "about 60 s"),
        (130, "about 2 min"),
        (3900, "about 1 h 5 min"),
    ],
)
def test_time_left_in_words(seconds, expected):
    assert expected in left_text(seconds)
