"""Training of classical models: a whole bundle, and nothing learnt from the held-out side."""

import io
import pickletools
import shutil
from dataclasses import astuple, replace

import numpy as np
import onnx
import pandas as pd
import pytest
from PIL import Image
from sklearn.preprocessing import StandardScaler

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.fields import Collection
from napari_marrow.data.layouts import scan
from napari_marrow.imaging.segmentation import segment_nuclei
from napari_marrow.jobs.train import TrainJob, run_training
from napari_marrow.learning.bundles.bundle import load_bundle, predict_one
from napari_marrow.learning.bundles.sealed import sha256
from napari_marrow.learning.classical import learner as classical_learner
from napari_marrow.learning.classical.models import fit_classical, fit_pipeline
from napari_marrow.learning.confidence.calibration import apply_temperature
from napari_marrow.learning.confidence.error_rate import Confidence
from napari_marrow.learning.learners import N_CROSS_FITTING_FOLDS
from napari_marrow.learning.onnx.inference import open_onnx, run_classical
from napari_marrow.learning.registry import models_of_kind
from napari_marrow.learning.scores.metrics import score_units
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.learning.units.feature_table import feature_columns, measure_collection
from napari_marrow.measure.chi2 import chi_square, non_negative
from napari_marrow.measure.settings import DEFAULT_FAMILIES, FeatureSettings

FAST = TrainingSettings(model="naive-bayes", families=("histogram", "fourier"), select=6)


def train(collection, out, **changes):
    """Train on a folder and open the bundle."""
    run_training(TrainJob(collection, replace(FAST, **changes), out))
    return load_bundle(out)


def onnx_answers(bundle, features):
    """Probabilities by the ONNX model of a bundle, without temperature."""
    return run_classical(open_onnx(bundle / "model.onnx"), features.to_numpy(np.float32))


def refused(tmp_path, collection, **changes):
    """The sentence with which a training is refused; nothing may be left of it."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(MarrowError) as error:
        train(collection, tmp_path / "out.marrow", **changes)
    assert sorted(tmp_path.rglob("*")) == before
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture(autouse=True)
def unpainted(monkeypatch):
    """No figures, which take seconds; :func:`svm` has them."""
    monkeypatch.setattr("napari_marrow.report.figures.write_figures", lambda *_: [])


def test_the_bundle_is_whole_and_data_only(svm):
    folder = svm["bundle"]
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert files == [
        "bundle.json",
        "card.md",
        "features.csv",
        "figures/confusion.png",
        "figures/importances.png",
        "figures/precision_recall.png",
        "figures/roc.png",
        "heldout.csv",
        "model.onnx",
        "reference.safetensors",
    ]
    assert [p.name for p in folder.parent.iterdir()] == ["svm.marrow"]
    onnx.checker.check_model(onnx.load(folder / "model.onnx"))
    for path in (p for p in folder.rglob("*") if p.is_file()):
        with pytest.raises(ValueError, match=r"."):
            pickletools.dis(path.read_bytes(), out=io.StringIO())


def test_the_description_says_what_the_model_takes(svm, phantom):
    info = load_bundle(svm["bundle"]).info
    assert info.classes == ("ALL", "MM")
    assert info.settings == svm["settings"]
    assert len(info.features) == 12
    assert info.needs_nuclei
    assert info.preprocessing.families == ("morphology", "lobes", "colour")
    assert info.evaluation.to_dict() == svm["result"]["evaluation"]
    assert info.fingerprints == {phantom.label(f): sha256(f.path) for f in phantom.fields}
    assert any(note.startswith("12 of ") for note in info.notes)
    said = info.confidence.sentence("photographs not learnt from")
    assert info.notes[-2:] == (said, info.others_sentence)  # fewer than 20 of a class
    assert info.versions["device"] == svm["result"]["device"] == "cpu"
    assert svm["result"]["history"] == []
    fractions = [e.fraction for e in svm["events"]]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] < fractions[-1] <= 1


def test_a_feature_that_nobody_measures_is_said(svm, phantom):
    bundle, image = load_bundle(svm["bundle"]), phantom.fields[0].image()
    older = replace(bundle.info, features=("nucleus_smell", *bundle.info.features[1:]))
    with pytest.raises(MarrowError, match=r"svm\.marrow takes the feature nucleus_smell"):
        replace(bundle, info=older).predictor.predict(image)


def test_no_source_on_two_sides(svm, phantom):
    split = load_bundle(svm["bundle"]).info.split
    sides = [set(split[name]) for name in ("train", "validation", "heldout")]
    assert set.union(*sides) == {f.source for f in phantom.fields}
    assert sum(map(len, sides)) == 10
    assert all(sides)


def test_heldout_csv_is_what_the_bundle_says_of_these_cells(svm, phantom):
    bundle = load_bundle(svm["bundle"])
    heldout = pd.read_csv(svm["bundle"] / "heldout.csv")
    assert list(heldout.columns) == [
        *("image", "index", "y", "x", "class", "source", "predicted"),
        *("probability_ALL", "probability_MM"),
    ]
    assert set(heldout["source"]) == set(bundle.info.split["heldout"])
    for image, rows in heldout.groupby("image"):
        (field,) = (f for f in phantom.fields if phantom.label(f) == image)
        found = predict_one(bundle, field).table
        assert found["index"].tolist() == rows["index"].tolist()
        assert found["class"].tolist() == rows["predicted"].tolist()
        for name in ("probability_ALL", "probability_MM"):
            np.testing.assert_allclose(found[name], rows[name], atol=1e-6)
    scores = score_units(
        heldout, heldout[["probability_ALL", "probability_MM"]].to_numpy(), ("ALL", "MM")
    )
    stored = bundle.info.evaluation.metrics
    assert stored.keys() == scores.metrics.keys()
    for name, score in scores.metrics.items():
        np.testing.assert_allclose(astuple(stored[name]), astuple(score), atol=1e-9, err_msg=name)
    assert scores.metrics["accuracy"].estimate > scores.metrics["accuracy"].chance


def test_features_csv_scores_the_training_side(svm, phantom):
    bundle = load_bundle(svm["bundle"])
    table = pd.read_csv(svm["bundle"] / "features.csv").set_index("feature")
    assert set(table.index[table["selected"]]) == set(bundle.info.features)
    assert table["importance"].notna().sum() == 12
    assert table["importance"].sum() == pytest.approx(1, abs=1e-9)
    dropped = table["collinear_with"].dropna()
    assert len(dropped)
    assert not set(dropped.index) & set(bundle.info.features)
    assert any(f"{len(dropped)} collinear one" in note for note in bundle.info.notes)
    units = measure_collection(phantom, FeatureSettings(DEFAULT_FAMILIES, "cell"))
    known = units[~units["source"].isin(bundle.info.split["heldout"])]
    columns = list(feature_columns(units))
    expected = chi_square(non_negative(known[columns]), known["class"], 12).set_index("feature")
    # scores are of standardised features, in the precision of the ONNX model
    np.testing.assert_allclose(table["chi2"], expected["chi2"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(table["p_adjusted"], expected["p_adjusted"], atol=1e-5)


def test_onnx_from_disk_is_the_pipeline_fitted_on_these_rows(svm, phantom):
    bundle = load_bundle(svm["bundle"])
    units = measure_collection(phantom, FeatureSettings(DEFAULT_FAMILIES, "cell"))
    known = units[~units["source"].isin(bundle.info.split["heldout"])]
    # the training side and then the validation side: order counts in the shuffle
    first = known["source"].isin(bundle.info.split["train"])
    known = pd.concat([known[first], known[~first]])
    codes = (known["class"] == "MM").to_numpy(np.intp)
    columns = list(feature_columns(units))
    scaler = StandardScaler().fit(known[columns])  # all fields are of one acquisition
    for table in (known, units):
        table[columns] = scaler.transform(table[columns])
    fitted = fit_classical("svm", known, feature_columns(units), codes, 12, 0)
    assert fitted.chosen == bundle.info.features
    found = onnx_answers(bundle.path, units[list(fitted.chosen)])
    # means weighted by class are rounded otherwise
    np.testing.assert_allclose(found, fitted.probabilities(units), atol=2e-4)


def repaint(path, seed):
    """Make another picture of the same size of a photograph."""
    with Image.open(path) as old:
        size = old.size[::-1]
    noise = np.random.default_rng(seed).integers(0, 256, (*size, 3)).astype(np.uint8)
    Image.fromarray(noise).save(path)


@pytest.mark.parametrize("model", ["naive-bayes", "logistic"])
def test_the_held_out_side_has_no_say_in_the_model(tmp_path, many, model):
    """Selection, scaling, missing values and temperature come from the training side alone."""
    shutil.copytree(many, tmp_path / "in")
    first = train(scan(tmp_path / "in"), tmp_path / "a.marrow", model=model)
    fields = {f.source: f for f in scan(tmp_path / "in").fields}
    for seed, source in enumerate(first.info.split["heldout"]):
        repaint(fields[source].path, seed)
    again = train(scan(tmp_path / "in"), tmp_path / "b.marrow", model=model)
    assert again.info.split == first.info.split
    assert again.info.features == first.info.features
    assert again.info.confidence.temperature == pytest.approx(
        first.info.confidence.temperature, abs=1e-6
    )
    asked = pd.DataFrame(np.random.default_rng(0).uniform(-1, 1, (50, len(first.info.features))))
    asked.iloc[::4, 0] = np.nan
    expected = onnx_answers(first.path, asked)
    np.testing.assert_allclose(onnx_answers(again.path, asked), expected, atol=1e-6)
    tables = [pd.read_csv(tmp_path / name / "features.csv") for name in ("a.marrow", "b.marrow")]
    pd.testing.assert_frame_equal(*tables, rtol=0, atol=1e-09)
    assert again.info.evaluation.metrics != first.info.evaluation.metrics
    # and the training side does have a say
    repaint(fields[first.info.split["train"][0]].path, 99)
    other = train(scan(tmp_path / "in"), tmp_path / "c.marrow", model=model)
    changed = other.info.features != first.info.features
    assert changed or not np.allclose(onnx_answers(other.path, asked), expected, atol=1e-3)


def test_the_temperature_is_of_models_that_did_not_learn_from_what_they_answer(
    tmp_path, many, monkeypatch
):
    learnt, found = [], []

    def recorded(model, table, *rest):
        learnt.append(set(table["source"]))
        return fit_pipeline(model, table, *rest)

    def of_answers(probabilities, truth, max_error, groups):
        found.append(len(truth))
        return Confidence(2.0, 0.7, len(truth), 0.5, 0.0, max_error, len(truth))

    monkeypatch.setattr(classical_learner, "fit_pipeline", recorded)
    monkeypatch.setattr(classical_learner.Confidence, "of_answers", of_answers)
    how = {"unit": "cell", "families": ("colour",), "adapt": "none", "max_error": 0.1}
    info = train(scan(many), tmp_path / "t.marrow", **how).info
    sides = {name: set(sources) for name, sources in info.split.items()}
    known = sides["train"] | sides["validation"]
    folds = [known - sources for sources in learnt]
    assert len(folds) == N_CROSS_FITTING_FOLDS
    assert set.union(*folds) == known
    assert sum(map(len, folds)) == len(known)  # each source in one fold alone
    assert not any(sources & sides["heldout"] for sources in learnt)
    heldout = pd.read_csv(tmp_path / "t.marrow" / "heldout.csv")
    units = measure_collection(scan(many), FeatureSettings(("colour",), "cell"))
    judged = units[units["source"].isin(sides["heldout"])]
    raw = onnx_answers(tmp_path / "t.marrow", judged[list(info.features)])
    names = ["probability_ALL", "probability_MM"]
    np.testing.assert_allclose(heldout[names], apply_temperature(raw, 2), atol=1e-6)
    assert found == [units["source"].isin(known).sum()]
    assert (info.confidence.abstain_below, info.confidence.max_error) == (0.7, 0.1)
    assert any("70%" in note and str(found[0]) in note for note in info.notes)


def test_paper_trebles_the_rows_chooses_of_all_and_says_so(tmp_path, many, monkeypatch):
    chosen = []

    def recorded(table, *rest):
        chosen.append(table)
        return choose(table, *rest)

    choose = classical_learner.choose_columns
    monkeypatch.setattr(classical_learner, "choose_columns", recorded)
    bundle = train(scan(many), tmp_path / "p.marrow", protocol="paper")
    (seen,) = chosen
    assert len(seen) == 3 * 16  # also those that judge
    assert seen["source"].value_counts().unique().tolist() == [3]
    sides = {name: set(sources) for name, sources in bundle.info.split.items()}
    assert sides["train"] & sides["heldout"]
    assert "the scores can be too good" in bundle.info.notes[0]
    assert len(pd.read_csv(tmp_path / "p.marrow" / "heldout.csv")) == 12  # a quarter of 48


def test_a_field_model_without_cells_needs_no_nuclei(tmp_path, many):
    bundle = train(scan(many), tmp_path / "m.marrow")
    assert not bundle.info.needs_nuclei
    images = [f.image() for f in scan(many).fields[::5]]
    table = bundle.predict(images)
    first, last = ["image", "index", "y", "x", "class"], ["uncertain", "reason"]
    assert list(table.columns) == [*first, "probability_ALL", "probability_MM", *last]
    assert table["class"].tolist() == [f.class_name for f in scan(many).fields[::5]]


@pytest.mark.parametrize("unit", ["field", "cell"])
def test_a_photograph_without_a_cell(tmp_path, svm, many, unit):
    blank = np.full((90, 120, 3), 225, np.uint8)
    if unit == "cell":
        assert load_bundle(svm["bundle"]).predict([blank]).empty
        return
    bundle = train(scan(many), tmp_path / "f.marrow", families=("morphology", "colour"))
    assert bundle.predict([blank]).empty  # whatever the medians would say: nothing was measured
    prediction = bundle.predictor.predict(blank)
    assert prediction.class_name is None
    assert prediction.uncertain
    first = scan(many).fields[0].image()
    seen = bundle.predict([blank, first])
    assert seen["image"].tolist() == [1]
    assert seen.dtypes.to_dict() == bundle.predict([first]).dtypes.to_dict()
    # nor where only a part of what the model weighs is of cells
    mixed = train(scan(many), tmp_path / "m.marrow", families=("histogram", "morphology"))
    assert mixed.predict([blank]).empty


def test_an_answer_that_is_made_up_of_medians_is_uncertain(tmp_path, many):
    """Cells cut out on black have no densities, on which this model hangs."""
    bundle = train(scan(many), tmp_path / "b.marrow", families=("histogram", "colour"), select=30)
    pixels = scan(many).fields[0].image().copy()
    nuclei = segment_nuclei(pixels)
    sure = bundle.predictor.predict(pixels, nuclei)
    assert not sure.uncertain
    pixels[nuclei == 0] = 0
    assert nuclei.any()
    assert bundle.predictor.predict(pixels, nuclei).uncertain


def test_few_fields_are_enough_to_learn_from(tmp_path, collection):
    """Three a class: one held out, one to validate, and svm needs two to learn from."""
    info = train(collection, tmp_path / "few.marrow", model="svm").info
    assert [len(info.split[name]) for name in ("train", "validation", "heldout")] == [2, 2, 2]
    assert info.confidence.temperature == 1


def test_one_class_and_unknown_families(tmp_path, many):
    one = Collection(many, tuple(f for f in scan(many).fields if f.class_name == "MM"))
    assert "holds only the class MM" in refused(tmp_path, one)
    assert "'smell'; choose from" in refused(tmp_path, scan(many), families=("smell",))
    bare = replace(one.fields[0], class_name=None, cell_classes={})
    some = Collection(many, (bare, *scan(many).fields[:3]))  # what has no class is left out
    assert "holds only the class ALL" in refused(tmp_path, some)


def test_features_that_are_all_constant(tmp_path, draw):
    for name in ("ALL", "MM"):
        (tmp_path / "in" / name).mkdir(parents=True)
        for k in range(6):
            Image.fromarray(draw()[0]).save(tmp_path / "in" / name / f"{name}_{k}.bmp")
    said = refused(tmp_path, scan(tmp_path / "in"), families=("histogram",))
    assert "None of the 64 features differs between the units" in said


def test_stopped_leaves_nothing(tmp_path, many):
    asked = []

    def should_stop():
        asked.append(1)
        return len(asked) > limit

    for limit in (3, 16):  # while measuring; before the fit
        asked.clear()
        with pytest.raises(Stopped):
            run_training(TrainJob(scan(many), FAST, tmp_path / "o"), should_stop=should_stop)
        assert len(asked) == limit + 1
        assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def measured(real_data):
    """Real pictures of single cells, segmented here."""
    whole = scan(real_data / "all-idb2")
    some = Collection(whole.root, whole.fields[::11])
    return measure_collection(some, FeatureSettings(("morphology", "colour", "texture")))


@pytest.mark.real
@pytest.mark.parametrize("kinds", [2, 3])
def test_onnx_is_the_pipeline_on_real_pictures(measured, kinds):
    """A third class is made of every third."""
    table = measured
    codes = (table["class"] == table["class"][0]).to_numpy(np.intp)
    codes[::3] = kinds - 1 if kinds == 3 else codes[::3]
    even = np.arange(len(table)) % 2 == 0
    for model in models_of_kind("classical"):
        columns = feature_columns(table)
        fitted = fit_classical(model, table[even], columns, codes[even], 40, 0)
        found = run_classical(
            open_onnx(fitted.onnx), table[list(fitted.chosen)].to_numpy(np.float32)
        )
        np.testing.assert_allclose(found, fitted.probabilities(table), atol=1e-5)
