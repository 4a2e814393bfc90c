"""Every job starts once and ends once, whatever happens in it."""

import json

import pytest

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.progress import never
from napari_marrow.jobs import registry
from napari_marrow.jobs.events import LAST, Event


def run(monkeypatch, job, should_stop=never):
    events = []
    monkeypatch.setitem(registry.JOBS, "toy", job)
    registry.run_job("toy", {"x": 1}, events.append, should_stop, 5)
    assert [e.job for e in events] == [5] * len(events)
    assert events[0] == Event("started", "toy", job=5)
    assert [e.kind in LAST for e in events] == [False] * (len(events) - 1) + [True]
    return events


def test_finished(monkeypatch):
    def job(arguments, emit, should_stop):
        emit(Event("progress", "half", 0.5))
        return arguments | {"stop": should_stop()}

    _, half, last = run(monkeypatch, job)
    assert half.fraction == 0.5
    assert (last.kind, last.fraction, last.result) == ("finished", 1, {"x": 1, "stop": False})


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (Stopped, "stopped", "Stopped."),
        (MarrowError("a.bmp is cut off."), "failed", "a.bmp is cut off."),
        (
            ZeroDivisionError("by zero"),
            "failed",
            "The job toy failed unexpectedly: ZeroDivisionError: by zero",
        ),
        (MemoryError(), "failed", "The job toy failed unexpectedly: MemoryError: "),
        (SystemExit(3), "failed", "The job toy failed unexpectedly: SystemExit: 3"),
        (
            BaseException("panicked"),
            "failed",
            "The job toy failed unexpectedly: BaseException: panicked",
        ),
    ],
)
def test_other_ends(monkeypatch, error, kind, text):
    def job(*_):
        raise error

    last = run(monkeypatch, job)[-1]
    assert (last.kind, last.text) == (kind, text)
    assert ("Traceback" in last.detail) == ("unexpectedly" in text)


def test_unknown_job():
    events = []
    registry.run_job("nonsense", {}, events.append, never)
    assert [e.kind for e in events] == ["started", "failed"]
    assert "nonsense" in events[-1].text


def test_a_bad_folder_fails_in_one_sentence_without_keras(tmp_path):
    """The train job over JSON, up to the first check."""
    from napari_marrow.data.fields import Collection, Field
    from napari_marrow.jobs.train import TrainJob
    from napari_marrow.learning.settings import TrainingSettings

    only = Collection(tmp_path, (Field(tmp_path / "a.bmp", "a", "a", "ALL"),))
    job = TrainJob(only, TrainingSettings(), tmp_path / "out.marrow")
    assert TrainJob.from_dict(job.to_dict()) == job
    events = []
    registry.run_job("train", job.to_dict(), events.append, never)
    assert events[-1].kind == "failed"
    assert "holds only the class ALL" in events[-1].text
    assert "unexpectedly" not in events[-1].text


def test_a_comparison_over_json_fails_in_one_sentence(tmp_path):
    from napari_marrow.data.fields import Collection, Field
    from napari_marrow.jobs.compare import CompareJob
    from napari_marrow.learning.settings import CompareSettings

    only = Collection(tmp_path, (Field(tmp_path / "a.bmp", "a", "a", "ALL"),))
    settings = CompareSettings(models=("svm", "logistic"), folds=3, by="acquisition")
    job = CompareJob(only, tmp_path / "out", settings, tmp_path / "groups.csv", force=True)
    assert CompareJob.from_dict(json.loads(json.dumps(job.to_dict()))) == job
    events = []
    registry.run_job("compare", job.to_dict(), events.append, never)
    assert events[-1].kind == "failed"
    assert "only the class ALL" in events[-1].text
    assert not (tmp_path / "out").exists()
