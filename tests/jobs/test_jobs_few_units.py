"""Classes of too few units to learn from are named before anything is measured."""

import numpy as np
import pytest
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.layouts import scan
from napari_marrow.jobs.compare import CompareJob, run_comparison
from napari_marrow.jobs.train import TrainJob, run_training
from napari_marrow.learning.settings import CompareSettings, TrainingSettings

FAST = {"families": ("histogram",), "select": 6}


@pytest.fixture
def folder(tmp_path, draw):
    """A function that writes a folder of so many fields a class; MM has one cell a field."""

    def write(**counts: int) -> Collection:
        for name, count in counts.items():
            (tmp_path / "in" / name).mkdir(parents=True)
            for k in range(count):
                image, mask = draw(name, k)
                Image.fromarray(image).save(tmp_path / "in" / name / f"{name}_{k}.png")
                nuclei = tmp_path / "in" / name / f"{name}_{k}_nucleus_mask.png"
                Image.fromarray(mask).save(nuclei)
        return scan(tmp_path / "in")

    return write


def _train(collection: Collection, tmp_path, **settings) -> list:
    events = []
    job = TrainJob(collection, TrainingSettings(**settings, **FAST), tmp_path / "m.marrow")
    try:
        run_training(job, events.append)
    except MarrowError as error:
        events.append(error)
    return events


def _measured(events: list) -> list[int]:
    return [k for k, e in enumerate(events) if "Measuring" in getattr(e, "text", "")]


@pytest.mark.parametrize("unit", ["field", "cell"])
@pytest.mark.parametrize("model", ["svm", "logistic"])
def test_a_class_of_one_unit_is_named_first(folder, tmp_path, model, unit):
    collection = folder(ALL=6, MM=1)
    events = _train(collection, tmp_path, model=model, unit=unit)
    told = [k for k, e in enumerate(events) if f"MM has only one {unit}" in getattr(e, "text", "")]
    assert "MM/MM_0.png" in events[told[0]].text
    if model == "svm":
        assert f"MM has only one {unit}" in str(events[-1])
        assert "MM/MM_0.png" in str(events[-1])
        assert not _measured(events)
    else:
        assert told[0] < min(_measured(events))
    events.clear()
    settings = CompareSettings(models=(model,), folds=2, unit=unit, **FAST)
    with pytest.raises(MarrowError, match="MM has 1 source"):
        run_comparison(CompareJob(collection, tmp_path / "c", settings), events.append)
    assert not _measured(events)


@pytest.mark.parametrize("unit", ["field", "cell"])
def test_svm_names_a_class_of_which_one_unit_is_left_to_learn_from(folder, tmp_path, unit):
    collection = folder(ALL=6, MM=2)
    events = _train(collection, tmp_path, model="svm", unit=unit)
    assert f"MM has 2 {unit}s" in str(events[-1])
    assert "MM/MM_1.png" in str(events[-1])
    assert not _measured(events)
    settings = CompareSettings(models=("logistic", "svm"), folds=2, unit=unit, **FAST)
    with pytest.raises(MarrowError, match=f"MM has 2 {unit}s.*svm"):
        run_comparison(CompareJob(collection, tmp_path / "c", settings), events.append)
    assert not _measured(events)
    assert _measured(_train(collection, tmp_path, model="decision-tree", unit=unit))


def test_one_annotated_cell_of_a_class_among_many(draw, tmp_path):
    """As the viewer annotates: classes of single cells, in labels beside the photographs."""
    fields = []
    for k in range(3):
        image, mask = draw("ALL", k)
        Image.fromarray(image).save(tmp_path / f"{k}.png")
        rows = np.indices(mask.shape)[0] // 16
        labels = np.where(mask, rows + 1, 0).astype(np.uint8)
        Image.fromarray(labels).save(tmp_path / f"{k}_labels.png")
        classes = {1: "blast", 2: "blast"} | ({3: "plasma"} if k == 1 else {})
        fields.append(
            Field(
                tmp_path / f"{k}.png",
                str(k),
                str(k),
                labels=tmp_path / f"{k}_labels.png",
                cell_classes=classes,
            )
        )
    events = _train(Collection(tmp_path, tuple(fields)), tmp_path, model="svm", unit="cell")
    assert "plasma has only one cell, in 1.png" in str(events[-1])
    assert not _measured(events)


def test_a_broken_field_does_not_count(folder, tmp_path):
    collection = folder(ALL=6, MM=3)
    (tmp_path / "in" / "MM" / "MM_1.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    events = _train(collection, tmp_path, model="svm")
    assert "MM has 2 fields" in str(events[-1])
    assert "MM_1.png" not in str(events[-1])
    assert not _measured(events)
