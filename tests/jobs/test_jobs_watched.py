"""What events carry of the images that a training watches."""

import io
import json

import numpy as np
from PIL import Image

from napari_marrow.jobs.events import Event
from napari_marrow.jobs.watched import MAX_THUMBNAIL_PX, WatchedReport, WatchedReporter
from napari_marrow.learning.units.watched import Watched, WatchedAnswers


def test_the_images_go_out_once_and_answers_every_time():
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype(np.uint8)
    watched = Watched(images, None, ("a", "b"), ("x.bmp", "y.bmp"), ("a", "b"), "validation")
    events = []
    report = WatchedReporter(events.append)
    for epoch in (1, 2):
        rows = np.array([[0.25, 0.75], [1, 0]], np.float32)
        report(watched, WatchedAnswers(rows, epoch, member=3))
    assert all(event.text == "" and not event.values for event in events)
    lines = [event.to_line() for event in events]
    assert len(lines[1]) < 300
    first, second = (WatchedReport.of_event(Event.from_line(line)) for line in lines)
    assert (second.probabilities, second.epoch, second.member, second.thumbnails) == (
        ((0.25, 0.75), (1.0, 0.0)), 2, 3, None,
    )  # fmt: skip
    shown = first.thumbnails
    assert (shown.given, shown.names, shown.classes, shown.side) == (
        ("a", "b"), ("x.bmp", "y.bmp"), ("a", "b"), "validation",
    )  # fmt: skip
    for file, image in zip(shown.thumbnails, images, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(file))), image)


def test_large_images_are_small_in_events():
    watched = Watched(
        np.zeros((1, 400, 400, 3), np.uint8), None, ("a",), ("x",), ("a",), "training"
    )
    events = []
    WatchedReporter(events.append)(watched, WatchedAnswers(np.ones((1, 1), np.float32), 1))
    [file] = WatchedReport.of_event(events[0]).thumbnails.thumbnails
    assert Image.open(io.BytesIO(file)).size == (MAX_THUMBNAIL_PX, MAX_THUMBNAIL_PX)


def test_other_events_carry_none():
    for event in (Event("message", "Goes on."), Event("message", result=[1])):
        assert WatchedReport.of_event(event) is None
    assert json.loads(Event("message").to_line())["result"] is None
