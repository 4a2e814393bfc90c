"""Events as lines of JSON, there and back."""

import json

import pytest

from napari_marrow.data.progress import never
from napari_marrow.jobs.events import LAST, Event, silent


@pytest.mark.parametrize(
    "event",
    [
        Event("started", "train", job=3),
        Event("progress", "Zeile\nzwei, ü", 0.25, {"epoch": 1, "loss": 0.5}, job=7),
        Event("failed", "x", detail="a\r\nb"),
    ],
)
def test_a_line_there_and_back(event):
    line = event.to_line()
    assert line.endswith("\n")
    assert "\n" not in line[:-1]
    assert json.loads(line)["kind"] == event.kind
    assert Event.from_line(line) == event


def test_last_events():
    assert set(LAST) == {"finished", "failed", "stopped"}
    assert silent(Event("started")) is None
    assert never() is False
