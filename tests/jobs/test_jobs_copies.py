"""Copies of one picture are one source in training and comparison, and warnings come along."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import balanced_accuracy_score

from napari_marrow.data.layouts import scan
from napari_marrow.jobs.compare import CompareJob, run_comparison
from napari_marrow.jobs.train import TrainJob, run_training
from napari_marrow.learning.bundles.bundle import load_bundle
from napari_marrow.learning.settings import CompareSettings, TrainingSettings

FAST = {"families": ("histogram",), "select": 6}
COPIES = {
    "printed": lambda i: (i, ".jpg", {"quality": 55}),
    "mirrored": lambda i: (i[:, ::-1], ".png", {}),
    "turned and halved": lambda i: (np.rot90(i)[::2, ::2], ".jpg", {"quality": 90}),
}


@pytest.fixture(scope="module")
def copied(tmp_path_factory, draw):
    """Eight pictures a class, each four times, under names that tell nothing of it."""
    root = tmp_path_factory.mktemp("copied") / "in"
    numbers = iter(np.random.default_rng(0).permutation(64).tolist())
    owners = {}
    for name in ("ALL", "MM"):
        (root / name).mkdir(parents=True)
        for k in range(8):
            image = draw(name, k, (96, 128))[0]
            for copy in (lambda i: (i, ".png", {}), *COPIES.values()):
                pixels, suffix, options = copy(image)
                path = root / name / f"picture {next(numbers)}{suffix}"
                Image.fromarray(np.ascontiguousarray(pixels)).save(path, **options)
                owners[path.relative_to(root).as_posix()] = f"{name} {k}"
    return root, owners


def test_copies_never_stand_on_both_sides_of_a_split(copied, tmp_path):
    root, owners = copied
    job = TrainJob(scan(root), TrainingSettings(model="naive-bayes", **FAST), tmp_path / "m.marrow")
    info = load_bundle(run_training(job).bundle).info
    assert sum(map(len, info.split.values())) == 16
    heldout = pd.read_csv(tmp_path / "m.marrow" / "heldout.csv")
    judged = heldout["image"].map(owners)
    assert len(judged) == 4 * judged.nunique()  # all copies of a picture or none
    (note,) = (n for n in info.notes if "copies" in n)
    assert "16 sources" in note
    assert note in (tmp_path / "m.marrow" / "card.md").read_text()


def test_scan_counts_copies_as_one_source(copied, call):
    _, said, _ = call("scan", copied[0], "--json")
    assert json.loads(said)["sources"] == 16


def test_copies_are_in_one_fold(copied, tmp_path):
    root, owners = copied
    settings = CompareSettings(models=("naive-bayes",), folds=4, repeats=2, **FAST)
    result = run_comparison(CompareJob(scan(root), tmp_path / "c", settings))
    answers = pd.read_csv(tmp_path / "c" / "predictions.csv")
    owner = answers["image"].map(owners)
    assert (answers.groupby([owner, answers["repeat"]])["fold"].nunique() == 1).all()
    assert answers["fold"].nunique() == 8
    assert result.sources == 16
    assert any("copies" in note for note in result.notes)


def test_what_scan_warns_of_stands_beside_the_score(tmp_path, make_snam, draw):
    """One picture in two classes, a mask of another program, a table that is passed over."""
    root = make_snam(tmp_path / "in", 5, masks=False, wrapped=False)
    image, mask = draw("ALL", 1)
    Image.fromarray(image).transpose(Image.Transpose.ROTATE_90).save(root / "MM" / "other.png")
    Image.fromarray(mask).convert("RGB").save(root / "ALL" / "cells_of_1.png")
    (root / "remarks.csv").write_text("who,what\nme,nothing\n")
    job = TrainJob(scan(root), TrainingSettings(model="naive-bayes", **FAST), tmp_path / "m.marrow")
    result = run_training(job).to_dict()
    notes = " ".join(result["notes"])
    for word in ("IN TWO CLASSES", "cells_of_1.png", "remarks.csv", "not learnt from"):
        assert word in notes
    bundle = json.loads((tmp_path / "m.marrow" / "bundle.json").read_text())
    assert bundle["notes"] == result["notes"]
    assert "ALL/cells_of_1.png" not in bundle["fingerprints"]
    settings = CompareSettings(models=("naive-bayes",), folds=2, **FAST)
    compared = run_comparison(CompareJob(scan(root), tmp_path / "c", settings))
    assert "IN TWO CLASSES" in " ".join(compared.notes)
    assert "cells_of_1.png" not in (tmp_path / "c" / "predictions.csv").read_text()


def test_what_was_learnt_from_is_reported_when_it_is_predicted(tmp_path, make_snam, draw, call):
    root = make_snam(tmp_path / "in", 8, masks=False, wrapped=False)
    bundle = tmp_path / "m.marrow"
    run_training(TrainJob(scan(root), TrainingSettings("naive-bayes", **FAST), bundle))
    info = load_bundle(bundle).info
    held = len(info.split["heldout"])
    status, said, _ = call("predict", bundle, root, "--out", tmp_path / "p.csv")
    assert status == 0
    assert f"learnt from {16 - held} of these 16 photographs" in said
    status, said, _ = call("predict", bundle, root, "--out", tmp_path / "q.csv", "--json")
    result = json.loads(said)
    assert (result["learnt_from"], result["held_out"]) == (16 - held, held)
    again = make_snam(tmp_path / "again", 2, size=(60, 80), masks=False)  # drawn larger
    _, said, _ = call("predict", bundle, again, "--out", tmp_path / "r.csv")
    assert "of these 4 photographs" in said
    for seed in (50, 51):
        (tmp_path / "new").mkdir(exist_ok=True)
        Image.fromarray(draw("ALL", seed)[0]).save(tmp_path / "new" / f"{seed}.png")
    _, said, _ = call("predict", bundle, tmp_path / "new", "--out", tmp_path / "s.csv")
    assert "learnt from" not in said


@pytest.mark.parametrize(
    ("model", "n_all", "n_mm"), [("svm", 40, 3), ("svm", 3, 25), ("logistic", 30, 3)]
)
def test_many_of_one_class_and_three_of_the_other(tmp_path, draw, model, n_all, n_mm):
    """The third of the rare class has to validate, and the second is held out."""
    rare = "ALL" if n_all < n_mm else "MM"
    for name, count in (("ALL", n_all), ("MM", n_mm)):
        (tmp_path / "in" / name).mkdir(parents=True)
        for k in range(count):
            Image.fromarray(draw(name, k)[0]).save(tmp_path / "in" / name / f"{name}_{k}.png")
    job = TrainJob(scan(tmp_path / "in"), TrainingSettings(model, **FAST), tmp_path / "m.marrow")
    info = load_bundle(run_training(job).bundle).info
    assert any("not calibrated" in note and rare in note for note in info.notes)
    assert info.confidence.temperature == 1
    assert next(iter(info.evaluation.metrics)) == "balanced_accuracy"
    heldout = pd.read_csv(tmp_path / "m.marrow" / "heldout.csv")
    expected = balanced_accuracy_score(heldout["class"], heldout["predicted"])
    assert info.evaluation.metrics["balanced_accuracy"].estimate == pytest.approx(
        expected, abs=1e-9
    )
    assert "Held-out balanced accuracy" in (tmp_path / "m.marrow" / "card.md").read_text()
