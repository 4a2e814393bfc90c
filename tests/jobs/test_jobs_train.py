"""The training job: what can't work is said first, and what works leaves a whole bundle."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.numpy import load_file

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.fields import Collection
from napari_marrow.data.layouts import scan
from napari_marrow.jobs.train import TrainingResult, TrainJob, run_training
from napari_marrow.learning.bundles.bundle import load_bundle
from napari_marrow.learning.bundles.sealed import sha256
from napari_marrow.learning.network_training.learner import augment_as_published
from napari_marrow.learning.onnx.inference import open_network, run_network
from napari_marrow.learning.settings import Preprocessing, TrainingSettings
from napari_marrow.learning.units.samples import collect_units

SETTINGS = TrainingSettings(epochs=1, device="cpu", input_size=32, tiles=1, copies=1)


def refused(tmp_path, collection, settings=SETTINGS, out="out.marrow", strict=False):
    """The sentence with which a training is refused; nothing may be left of it."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(MarrowError) as error:
        run_training(TrainJob(collection, settings, tmp_path / out, strict=strict))
    assert sorted(tmp_path.rglob("*")) == before
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture
def own(tmp_path, make_snam):
    """A folder of one's own to damage."""
    return make_snam(tmp_path / "data", 2)


def test_one_class_only(tmp_path, own):
    shutil.rmtree(own / "MM")
    assert "holds only the class ALL" in refused(tmp_path, scan(own))


def test_no_class_at_all(tmp_path, own):
    bare = [replace(f, class_name=None) for f in scan(own).fields]
    assert "holds no class" in refused(tmp_path, Collection(own, tuple(bare)))


def test_fields_without_a_class_do_not_count_as_one(tmp_path, own):
    fields = [replace(f, class_name=None) if f.class_name == "MM" else f for f in scan(own).fields]
    assert "holds only the class ALL" in refused(tmp_path, Collection(own, tuple(fields)))


def test_settings_out_of_bounds(tmp_path, own):
    said = refused(tmp_path, scan(own), replace(SETTINGS, epochs=0, heldout=0.9))
    assert said == "Held out is 0.9; it must be at most 0.5. Epochs is 0; it must be at least 1."


def test_truncated_photograph(tmp_path, own):
    path = own / "MM" / "MM_2.bmp"
    path.write_bytes(path.read_bytes()[:1000])
    assert "MM_2.bmp is cut off" in refused(tmp_path, scan(own), strict=True)


def test_photograph_that_claims_too_much(tmp_path, own):
    path = own / "MM" / "MM_2.bmp"
    content = bytearray(path.read_bytes())
    content[18:26] = (100_000).to_bytes(4, "little") * 2
    path.write_bytes(content)
    assert "100000x100000" in refused(tmp_path, scan(own), strict=True)


def test_mask_of_another_size(tmp_path, own):
    Image.new("RGB", (8, 6)).save(own / "ALL" / "ALL_1_nucleus_mask.bmp")
    said = refused(tmp_path, scan(own), strict=True)
    assert "ALL_1_nucleus_mask.bmp is 8x6 and its photograph 64x48" in said


def test_paper_protocol_with_too_few_fields(tmp_path, own):
    some = scan(own)
    pair = Collection(own, (some.fields[0], some.fields[2]))
    assert "too few" in refused(tmp_path, pair, replace(SETTINGS, protocol="paper"))


def test_cells_of_one_class_only(tmp_path, own):
    for k in (1, 2):  # nothing but background in MM
        Image.new("RGB", (64, 48)).save(own / "MM" / f"MM_{k}_nucleus_mask.bmp")
    said = refused(tmp_path, scan(own), replace(SETTINGS, unit="cell"))
    assert "gave units of the class ALL only" in said


def test_output_below_a_file(tmp_path, own):
    (tmp_path / "file").write_text("x")
    assert "part of that path is a file" in refused(tmp_path, scan(own), out="file/out.marrow")


def test_output_without_permission(tmp_path, own, monkeypatch):
    def refuse(dir, prefix, **_):
        raise PermissionError(13, "Permission denied", str(dir / f"{prefix}x"))

    monkeypatch.setattr("napari_marrow.data.atomic.tempfile.mkdtemp", refuse)
    assert "gives no permission" in refused(tmp_path, scan(own))


def test_a_folder_of_something_else_is_not_deleted(tmp_path, own):
    (tmp_path / "out.marrow").mkdir()
    (tmp_path / "out.marrow" / "thesis.txt").write_text("years of work")
    assert "thesis.txt" in refused(tmp_path, scan(own))
    assert (tmp_path / "out.marrow" / "thesis.txt").read_text() == "years of work"


def test_stopped_while_reading(tmp_path, own):
    before = sorted(tmp_path.rglob("*"))
    asked = []

    def should_stop():
        asked.append(1)
        return len(asked) == 3

    with pytest.raises(Stopped):
        run_training(TrainJob(scan(own), SETTINGS, tmp_path / "o"), should_stop=should_stop)
    assert len(asked) == 3
    assert sorted(tmp_path.rglob("*")) == before


def test_augmented_as_published_keeps_class_and_source(own):
    units = collect_units(scan(own), Preprocessing.of(replace(SETTINGS, tiles=2)))
    more = augment_as_published(units)
    count, images = len(units.table), len(units.images)
    assert (len(more.table), len(more.images)) == (3 * count, 3 * images)
    for k in range(3):
        part = more.table.iloc[k * count : (k + 1) * count].reset_index(drop=True)
        pd.testing.assert_frame_equal(part, units.table)
    np.testing.assert_array_equal(more.owner[images : 2 * images], units.owner + count)
    turned = Image.fromarray(units.images[0]).transpose(Image.Transpose.ROTATE_90)
    np.testing.assert_array_equal(more.images[images], turned)


@pytest.mark.slow
def test_a_training_end_to_end(trained, keras_started):
    """Train, load, judge: the one place where a network is really made."""
    from napari_marrow.learning.network_training.rebuild import rebuild

    folder, result = trained["bundle"], trained["result"]
    read = TrainingResult.from_dict(result)
    assert (read.bundle, read.classes, read.failed) == (folder, ("ALL", "MM"), ())
    assert read.to_dict() == result  # as it crosses from the child process
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()) == [
        "bundle.json",
        "card.md",
        "figures/confusion.png",
        "figures/history.png",
        "figures/precision_recall.png",
        "figures/roc.png",
        "heldout.csv",
        "history.csv",
        "model.onnx",
        "reference.safetensors",
        "weights.safetensors",
    ]
    assert [p.name for p in folder.parent.iterdir()] == ["model.marrow"]

    bundle = load_bundle(folder)  # verifies every checksum
    info = bundle.info
    assert info.classes == ("ALL", "MM")
    assert info.evaluation.to_dict() == result["evaluation"]
    assert info.settings == trained["settings"]
    for label, digest in info.fingerprints.items():
        assert sha256(trained["folder"] / label) == digest
    assert len(info.fingerprints) == 19

    # Nothing of a source on two sides; the turned copies stand with their source.
    sides = [set(info.split[name]) for name in ("train", "validation", "heldout")]
    assert not sides[0] & sides[1]
    assert not (sides[0] | sides[1]) & sides[2]
    assert len(set.union(*sides)) == sum(map(len, sides)) == 16
    heldout = pd.read_csv(folder / "heldout.csv")
    assert set(heldout["source"]) == sides[2]
    assert set(heldout["class"]) == {"ALL", "MM"}
    sources = {f.source for f in scan(trained["folder"]).fields}
    assert set.union(*sides) == sources

    # It is easy to tell the made-up classes apart, and the table says what the score says.
    accuracy = info.evaluation.metrics["accuracy"]
    assert accuracy.estimate >= 0.75
    assert (heldout["class"] == heldout["predicted"]).mean() == pytest.approx(
        accuracy.estimate, abs=1e-9
    )
    assert accuracy.low < accuracy.estimate <= accuracy.high
    np.testing.assert_allclose(
        heldout[["probability_ALL", "probability_MM"]].sum(axis=1), 1, atol=1e-09
    )

    # The weights on disk and the ONNX file are the same network.
    images = np.stack([np.random.default_rng(k).integers(0, 256, (32, 32, 3)) for k in range(8)])
    network = rebuild(info.settings, 2, load_file(folder / "weights.safetensors"))
    expected = keras_started.ops.convert_to_numpy(network(images.astype(np.float32)))
    found = run_network(open_network(folder / "model.onnx"), images.astype(np.uint8))
    np.testing.assert_allclose(found, expected, atol=1e-4)

    history = pd.read_csv(folder / "history.csv")
    assert history["epoch"].tolist() == list(range(1, len(history) + 1))
    assert set(history) == {
        "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate",
    }  # fmt: skip
    assert history["learning_rate"].tolist() == pytest.approx([0.003] * len(history), rel=1e-6)
    text = (folder / "card.md").read_text(encoding="utf-8")
    assert f"{network.count_params():,} parameters" in text

    events = trained["events"]
    epochs = [e.values["epoch"] for e in events if e.values]
    assert epochs == history["epoch"].tolist()
    fractions = [e.fraction for e in events]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] <= fractions[-1] <= 1
    assert result["device"] == "cpu:0"
    json.dumps(result, allow_nan=False)
