"""Prediction of photographs in memory; and the job: a table and overlays, all or nothing."""

import dataclasses
import errno
import itertools
import multiprocessing
import pickle
import shutil
import threading
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from PIL import Image

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.layouts import scan
from napari_marrow.imaging.nuclei import field_labels
from napari_marrow.imaging.run_length import RunLengthLabels
from napari_marrow.jobs.predict import (
    PredictInput,
    PredictJob,
    observe_input,
    predict_each,
    run_prediction,
)
from napari_marrow.jobs.predict_files import write_input
from napari_marrow.learning.bundles.bundle import load_bundle, predict_one
from napari_marrow.learning.onnx.choice import ENGINE_VARIABLE, Probes

pytestmark = pytest.mark.usefixtures("no_leftovers")


def test_table_and_overlays(tmp_path, toy, collection):
    events = []
    out, overlay = tmp_path / "new" / "p.csv", tmp_path / "overlays"
    result = run_prediction(PredictJob(toy, [collection], out, overlay), events.append)
    table, predictions = result.table, result.predictions
    written = pd.read_csv(out)
    probabilities = ["probability_ALL", "probability_MM"]
    assert list(written) == [
        "image",
        "index",
        "y",
        "x",
        "class",
        *probabilities,
        "uncertain",
        "reason",
    ]
    pd.testing.assert_frame_equal(written, table, check_dtype=False, rtol=0, atol=1e-09)
    assert written["image"].tolist() == [collection.label(f) for f in collection.fields]
    for row, field in enumerate(collection.fields):
        alone = predict_one(toy, field)
        assert written["probability_ALL"][row] == pytest.approx(alone.probability, abs=1e-6) or (
            written["probability_MM"][row] == pytest.approx(alone.probability, abs=1e-6)
        )
        assert predictions[row].class_name == alone.class_name
    assert sorted(p.name for p in overlay.iterdir()) == sorted(
        f"{f.name}.png" for f in collection.fields
    )
    assert [e.fraction for e in events] == pytest.approx(
        [0.95 * k / 6 for k in range(1, 7)], abs=1e-9
    )


def described(fields, **options):
    """What predict_each takes of fields."""
    return [(f.name, partial(PredictInput, f, **options)) for f in fields]


@pytest.mark.parametrize("workers", [1, 3])
def test_pixels_in_memory_are_classified_in_order(tmp_path, make_toy, collection, workers):
    bundle = make_toy(tmp_path / "c.marrow", unit="cell")
    images = [f.image() for f in collection.fields]
    nuclei = [field_labels(f) for f in collection.fields]
    inputs = [
        (f"{k}", partial(PredictInput, image, RunLengthLabels.encode(labels), keep_cells=True))
        for k, (image, labels) in enumerate(zip(images, nuclei, strict=True))
    ]
    found = predict_each(bundle, inputs, workers=workers).photographs
    for one, image, labels in zip(found, images, nuclei, strict=True):
        expected = bundle.predictor.predict(image, labels)
        pd.testing.assert_frame_equal(one.prediction.table, expected.table, rtol=0, atol=1e-06)
        np.testing.assert_array_equal(one.cells.decode(), labels)
        assert one.prediction.labels is None


def test_nuclei_that_no_model_needs_are_not_read(tmp_path, toy, collection):
    (tmp_path / "broken.png").write_text("no picture")
    fields = [dataclasses.replace(f, labels=tmp_path / "broken.png") for f in collection.fields]
    assert None not in predict_each(toy, described(fields)).photographs


@pytest.mark.parametrize("workers", [1, 3])
def test_progress_after_each_photograph_and_stopped_before_the_next(toy, collection, workers):
    inputs, events = described(collection.fields), []
    with pytest.raises(Stopped):
        predict_each(toy, inputs, events.append, lambda: len(events) >= 2, workers=workers)
    assert 2 <= len(events) <= 1 + workers  # the others had begun
    if workers == 1:
        assert [e.text for e in events] == [f"Labelled {title}" for title, _ in inputs[:2]]
        assert [e.fraction for e in events] == pytest.approx([0.95 / 6, 0.95 * 2 / 6], abs=1e-9)


def test_pixels_are_described_when_their_turn_comes(toy, collection):
    """No more than are classified at the same time are in memory."""
    begun, most = [], []

    def describe(field):
        begun.append(field)
        return PredictInput(field.image())

    inputs = [(f.name, partial(describe, f)) for f in collection.fields]
    done = []

    def emit(event):
        done.append(event)
        most.append(len(begun) - len(done) + 1)

    assert len(predict_each(toy, inputs, emit, workers=2).photographs) == 6
    assert max(most) <= 2
    with pytest.raises(Stopped):
        predict_each(toy, inputs, should_stop=lambda: True)
    assert len(begun) == 6


def test_what_runs_for_a_photograph_can_be_sent_and_so_can_its_answer(
    tmp_path, make_toy, make_snam, collection
):
    cells = make_toy(tmp_path / "c.marrow", unit="cell")
    field = collection.fields[0]
    image, nuclei = field.image(), RunLengthLabels.encode(field_labels(field))
    inputs = [
        PredictInput(field, keep_cells=True),
        PredictInput(image, nuclei, keep_cells=True),
        PredictInput(field, nuclei, tmp_path / "o.png", keep_cells=True),
    ]
    predictor = cells.predictor
    expected = predictor.predict(image, nuclei.decode())
    for one in inputs:
        call, path, again = pickle.loads(pickle.dumps((observe_input, cells.path, one)))
        found = pickle.loads(pickle.dumps(call(path, again)))
        (answer,) = predictor.predict_batch([found.observation])
        pd.testing.assert_frame_equal(answer.table, expected.table, rtol=0, atol=1e-06)
        np.testing.assert_array_equal(found.cells.decode(), nuclei.decode())
    sent = pickle.loads(pickle.dumps(("c", ("ALL", "MM"), inputs[2], answer, found.cells)))
    write_input(*sent)
    assert (tmp_path / "o.png").is_file()


def test_other_processes_give_the_same_table_and_overlays(tmp_path, make_toy, make_snam):
    """With a photograph that is cut off, and a mask that is none."""
    root = make_snam(tmp_path / "in", 3)
    for name in ("MM/MM_2.bmp", "ALL/ALL_3_nucleus_mask.bmp"):
        (root / name).write_bytes((root / name).read_bytes()[:500])
    bundle, found = make_toy(tmp_path / "c.marrow", unit="cell"), scan(root)
    here = run_prediction(PredictJob(bundle, [found], tmp_path / "a.csv", tmp_path / "a"))
    job = PredictJob(bundle, [found], tmp_path / "b.csv", tmp_path / "b", workers=2)
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        there = run_prediction(job, executor=pool)
        with pytest.raises(MarrowError, match=r"(MM_2|ALL_3).*\.bmp"):
            run_prediction(dataclasses.replace(job, strict=True), executor=pool)
    tables = [pd.read_csv(tmp_path / name) for name in ("a.csv", "b.csv")]
    pd.testing.assert_frame_equal(*tables, rtol=0, atol=1e-6)
    assert [f.image for f in here.failed] == ["ALL/ALL_3.bmp", "MM/MM_2.bmp"]
    assert here.failed == there.failed
    drawn = [{p.name: p.read_bytes() for p in (tmp_path / x).iterdir()} for x in "ab"]
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 4


def test_cancelling_waits_for_no_more_than_what_is_being_classified(toy, collection, monkeypatch):
    begun, ended, cancelled = [], [], threading.Event()

    def slow(bundle, one, engine):
        begun.append(one)
        if len(begun) > 2:
            cancelled.wait(30)
        ended.append(one)

    def should_stop():
        if len(begun) > 2:
            cancelled.set()
        return cancelled.is_set()

    monkeypatch.setattr("napari_marrow.jobs.predict.observe_input", slow)
    inputs = described(collection.fields * 20)
    with pytest.raises(Stopped):
        predict_each(toy, inputs, should_stop=should_stop, workers=2)
    assert 3 <= len(begun) <= 4  # of 120
    assert len(ended) == len(begun)


def test_no_label_images_are_kept(tmp_path, make_toy, collection):
    cells = make_toy(tmp_path / "c.marrow", unit="cell")
    result = run_prediction(PredictJob(cells, [collection], tmp_path / "p.csv", tmp_path / "o"))
    assert len(result.table) > 6
    assert [p.labels for p in result.predictions] == [None] * 6


def test_many_workers_give_the_same(tmp_path, toy, collection):
    for n in (1, 4):
        run_prediction(PredictJob(toy, [collection], tmp_path / f"{n}.csv", None, n))
    tables = [pd.read_csv(tmp_path / f"{n}.csv") for n in (1, 4)]
    pd.testing.assert_frame_equal(*tables, rtol=0, atol=1e-6)


def test_names_of_overlays_never_meet(tmp_path, toy, snam):
    """The same stem in two folders, in two formats, and the same photograph named twice."""
    for place in ("a/ALL", "b/ALL"):
        (tmp_path / place).mkdir(parents=True)
        shutil.copy(snam / "PKG - SN-AM/ALL/ALL_1.bmp", tmp_path / place)
        Image.open(tmp_path / place / "ALL_1.bmp").save(tmp_path / place / "ALL_1.png")
    folders = [scan(tmp_path / name) for name in ("a", "b")]
    overlay = tmp_path / "overlays"
    result = run_prediction(
        PredictJob(toy, [*folders, scan(tmp_path / "a/ALL/ALL_1.bmp")], tmp_path / "p.csv", overlay)
    )
    assert len(result.table) == 5
    assert len(list(overlay.iterdir())) == 5


def test_other_files_of_the_overlay_folder_stay(tmp_path, toy, collection):
    overlay = tmp_path / "overlays"
    overlay.mkdir()
    (overlay / "mine.txt").write_text("x")
    run_prediction(PredictJob(toy, [collection], tmp_path / "p.csv", overlay))
    older = (overlay / "ALL_1.png").stat().st_ino
    run_prediction(PredictJob(toy, [collection], tmp_path / "p.csv", overlay))
    assert (overlay / "mine.txt").read_text() == "x"
    assert (overlay / "ALL_1.png").stat().st_ino != older


def test_a_damaged_photograph_is_left_out_or_ends_a_strict_job(tmp_path, toy, make_snam):
    root = make_snam(tmp_path / "in", 2)
    path = root / "MM" / "MM_2.bmp"
    path.write_bytes(path.read_bytes()[:500])
    out = tmp_path / "out"
    job = PredictJob(toy, [scan(root)], out / "p.csv", out / "overlays", workers=2)
    with pytest.raises(MarrowError, match=r"MM_2\.bmp is cut off"):
        run_prediction(dataclasses.replace(job, strict=True))
    assert list(out.rglob("*")) == []
    (failure,) = run_prediction(job).to_dict()["failed"]
    assert failure["image"] == "MM/MM_2.bmp"
    assert "MM_2.bmp is cut off" in failure["reason"]
    assert set(pd.read_csv(job.out)["image"]) == {"ALL/ALL_1.bmp", "ALL/ALL_2.bmp", "MM/MM_1.bmp"}
    assert len(list(job.overlay.iterdir())) == 3


def test_where_no_photograph_can_be_read_nothing_is_written(tmp_path, toy, make_snam):
    root = make_snam(tmp_path / "in", 1)
    found = scan(root)
    for field in found.fields:
        field.path.write_bytes(field.path.read_bytes()[:500])
    with pytest.raises(MarrowError, match=r"ALL_1\.bmp is cut off"):
        run_prediction(PredictJob(toy, [found], tmp_path / "p.csv"))
    assert not (tmp_path / "p.csv").exists()


def test_stopped_leaves_nothing(tmp_path, toy, collection):
    asked = []

    def should_stop():
        asked.append(1)
        return len(asked) == 3

    out = tmp_path / "out"
    with pytest.raises(Stopped):
        run_prediction(
            PredictJob(toy, [collection], out / "p.csv", out / "o"), should_stop=should_stop
        )
    assert len(asked) == 3
    assert list(out.rglob("*")) == []


def test_an_older_table_stays_until_the_new_one_is_complete(tmp_path, toy, collection):
    older = "image,index,y,x,class,probability_ALL,probability_MM,uncertain\n"
    (tmp_path / "p.csv").write_text(older)
    with pytest.raises(Stopped):
        run_prediction(PredictJob(toy, [collection], tmp_path / "p.csv"), should_stop=lambda: True)
    assert (tmp_path / "p.csv").read_text() == older


@pytest.mark.parametrize(
    ("out", "overlay", "says"),
    [
        ("folder", None, "is a folder"),
        ("file/p.csv", None, "part of that path is a file"),
        ("p.csv", "file", "is a file; choose a folder"),
        ("p.csv", "file/o", "o can't be written"),
    ],
)
def test_bad_outputs_are_said_before_the_work(tmp_path, toy, collection, out, overlay, says):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    before = sorted(tmp_path.rglob("*"))
    job = PredictJob(toy, [collection], tmp_path / out, overlay and tmp_path / overlay)
    events = []
    with pytest.raises(MarrowError, match=says):
        run_prediction(job, events.append)
    assert events == []
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_leaves_nothing(tmp_path, toy, collection, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(MarrowError, match=r"p\.csv can't be written: No space left"):
        run_prediction(PredictJob(toy, [collection], tmp_path / "p.csv", tmp_path / "o"))
    assert not (tmp_path / "o").exists()
    assert not (tmp_path / "p.csv").exists()


@pytest.mark.slow
def test_a_trained_bundle_labels_its_own_folder(tmp_path, trained):
    bundle = load_bundle(trained["bundle"])
    found = scan(trained["folder"])
    table = run_prediction(PredictJob(bundle, [found], tmp_path / "p.csv")).table
    truth = table["image"].str.split("/").str[0]
    assert (table["class"] == truth).mean() >= 0.9


def test_the_engine_that_answered_is_told(toy, collection, tmp_path):
    asked = toy.with_engine("onnxruntime")
    assert asked is toy.with_engine("onnxruntime")  # opened once
    result = run_prediction(PredictJob(asked, [collection], tmp_path / "p.csv")).to_dict()
    assert result["engine"] == f"ONNX Runtime {onnxruntime.__version__}, CPU"
    assert result["engine_note"] == ""


def test_an_engine_that_can_not_be_used_is_told(toy, collection, tmp_path, monkeypatch):
    """Where ONNX Runtime has the provider of a card that is not there."""
    known = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: known)
    events = []
    job = PredictJob(toy.with_engine("cuda"), [collection], tmp_path / "p.csv")
    result = run_prediction(job, events.append).to_dict()
    assert "ONNX Runtime" in result["engine"]
    assert "cuda" in result["engine_note"]
    assert result["engine_note"] in [event.text for event in events]


@pytest.mark.parametrize("wanted", ["openvino", "auto"])
def test_another_engine_gives_the_same_table(toy, collection, tmp_path, monkeypatch, wanted):
    pytest.importorskip("openvino")
    monkeypatch.setenv(ENGINE_VARIABLE, "")
    # here the one that is measured is always the faster
    seconds = (4.0**-k for k in itertools.count())
    monkeypatch.setattr(Probes, "seconds", lambda *_: next(seconds))
    here = PredictJob(toy.with_engine("onnxruntime"), [collection], tmp_path / "a.csv")
    there = PredictJob(dataclasses.replace(toy, engine=wanted), [collection], tmp_path / "b.csv")
    expected, found = run_prediction(here), run_prediction(there)
    assert found.engine.startswith("OpenVINO 20")
    pd.testing.assert_frame_equal(found.table, expected.table, atol=1e-4)
