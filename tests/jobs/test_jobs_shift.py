"""Photographs of another acquisition are noticed, named, adapted to and marked, from end to end."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.layouts import scan
from napari_marrow.jobs.predict import PredictJob, run_prediction
from napari_marrow.jobs.train import TrainJob, run_training
from napari_marrow.learning.bundles.bundle import load_bundle
from napari_marrow.learning.bundles.predictor import OTHER_ACQUISITION, OTHER_TEMPERATURE
from napari_marrow.learning.confidence.calibration import apply_temperature
from napari_marrow.learning.settings import TrainingSettings
from napari_marrow.simulation.phantom import PhantomSettings, write_phantom

SIZE = {"width": 240, "height": 180, "acquisitions": 1}


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """Thirty simulated fields of one acquisition."""
    return scan(write_phantom(tmp_path_factory.mktemp("here"), PhantomSettings(30, seed=1, **SIZE)))


@pytest.fixture(scope="module")
def same(tmp_path_factory):
    """Ten more of it."""
    return scan(write_phantom(tmp_path_factory.mktemp("same"), PhantomSettings(10, seed=2, **SIZE)))


def through(root, fields, gamma, light, scale):
    """Photographs through another camera: its tone curve, light and magnification."""
    for field in fields:
        seen = 255 * (field.image() / 255) ** gamma * light
        height, width = seen.shape[:2]
        size = (round(width * scale), round(height * scale))
        picture = Image.fromarray(seen.astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)
        (root / field.class_name).mkdir(exist_ok=True, parents=True)
        picture.save(root / field.class_name / f"{field.name}.png")
    return scan(root)


BLUISH = (0.6, (0.75, 0.8, 0.95), 1.5)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory, same):
    """The same ten through another camera: bluish light, less contrast, 1.5 times the size."""
    return through(tmp_path_factory.mktemp("elsewhere"), same.fields, *BLUISH)


@pytest.fixture(scope="module", params=["field", "cell"])
def bundle(request, tmp_path_factory, here):
    out = tmp_path_factory.mktemp("bundle") / "model.marrow"
    settings = TrainingSettings(model="logistic", unit=request.param)
    run_training(TrainJob(here, settings, out))
    return load_bundle(out)


def accuracy(result, collection):
    truth = {collection.label(f): f.class_name for f in collection.fields}
    return np.mean(result.table["class"] == result.table["image"].map(truth))


def predicted(bundle, collection, tmp_path, adapt="auto"):
    return run_prediction(PredictJob(bundle, [collection], tmp_path / f"{adapt}.csv", adapt=adapt))


def test_more_of_the_same_acquisition_is_not_marked(bundle, same, tmp_path):
    result = predicted(bundle, same, tmp_path)
    assert result.shift == ""
    assert not result.table["reason"].str.contains(OTHER_ACQUISITION).any()
    assert accuracy(result, same) > 0.85


def test_another_camera_is_named_and_every_answer_is_marked(bundle, elsewhere, tmp_path):
    result = predicted(bundle, elsewhere, tmp_path)
    for words in ("These 10 photographs", "nucleus diameter 1.", "uncertain"):
        assert words in result.shift
    assert result.notes[0] == result.shift
    assert result.to_dict()["shift"] == result.shift
    table = pd.read_csv(tmp_path / "auto.csv")
    assert table["uncertain"].all()
    assert table["reason"].str.contains(OTHER_ACQUISITION).all()
    assert all(p.uncertain and OTHER_ACQUISITION in p.reason for p in result.predictions)


def test_adapted_answers_are_right(bundle, elsewhere, tmp_path):
    """Fields of both classes are in the batch, as a user is told to have."""
    adapted = accuracy(predicted(bundle, elsewhere, tmp_path), elsewhere)
    plain = accuracy(predicted(bundle, elsewhere, tmp_path, "none"), elsewhere)
    assert adapted > 0.8
    assert adapted >= plain
    forced = predicted(bundle, elsewhere, tmp_path, "batch")
    pd.testing.assert_frame_equal(forced.table, predicted(bundle, elsewhere, tmp_path).table)


@pytest.fixture(scope="module")
def networks(tmp_path_factory, here):
    """A network that adapts, and one that does not."""
    found = {}
    for adapt in ("auto", "none"):
        how = {"unit": "cell", "input_size": 32, "epochs": 12, "copies": 2, "learning_rate": 0.003}
        found[adapt] = tmp_path_factory.mktemp("network") / "model.marrow"
        settings = TrainingSettings(adapt=adapt, device="cpu", **how)
        run_training(TrainJob(here, settings, found[adapt]))
    return {adapt: load_bundle(path) for adapt, path in found.items()}


def test_a_network_adapts_to_another_camera(networks, same, elsewhere, tmp_path):
    """What it sees is standardised, so that the other camera's cells get the answers of its own."""
    (known,) = networks["auto"].info.acquisitions
    assert {*known.units} == {"ALL", "MM"}
    assert networks["none"].info.acquisitions == ()
    changed = {}
    for adapt, bundle in networks.items():
        here, there = (predicted(bundle, x, tmp_path / adapt) for x in (same, elsewhere))
        assert there.table["uncertain"].all()
        temperature = bundle.info.confidence.temperature
        # as certain as those of the known acquisition
        of_other = max(1.0, temperature) * OTHER_TEMPERATURE / temperature
        names = ["probability_ALL", "probability_MM"]
        answers = [
            (x.table[names].to_numpy(), y.table[names].to_numpy())
            for x, y in zip(here.predictions, there.predictions, strict=True)
        ]
        changed[adapt] = [
            abs(x[:, 1].mean() - apply_temperature(y, 1 / of_other)[:, 1].mean())
            for x, y in answers
        ]
    assert np.mean(changed["auto"]) < 0.1
    assert np.mean(changed["auto"]) < 0.8 * np.mean(changed["none"])
    adapted = accuracy(predicted(networks["auto"], elsewhere, tmp_path), elsewhere)
    assert adapted >= accuracy(predicted(networks["auto"], same, tmp_path), same) - 0.1


def test_a_network_does_not_adapt_to_a_confounded_set_and_says_so(tmp_path):
    how = PhantomSettings(40, seed=3, width=240, height=180, acquisitions=2, confounded=True)
    root = write_phantom(tmp_path / "in", how)
    settings = TrainingSettings(input_size=32, epochs=1, copies=1, device="cpu")
    result = run_training(TrainJob(scan(root), settings, tmp_path / "b.marrow"))
    info = load_bundle(result.bundle).info
    assert info.acquisitions == ()
    assert [set(one.units) for one in info.observed] == [{"ALL"}, {"MM"}]
    assert all(np.isfinite(one.photograph).all() for one in info.observed)
    assert any("one class only" in note for note in result.notes)
    with pytest.raises(MarrowError, match="one class only"):
        run_training(TrainJob(scan(root), replace(settings, adapt="batch"), tmp_path / "c.marrow"))


def test_what_was_learnt_of_the_acquisition_is_in_the_bundle(bundle, here):
    content = json.loads((bundle.path / "bundle.json").read_text())
    (one,) = content["acquisitions"]
    assert len(one["centre"]) == len(one["spread"]) == len(bundle.info.features)
    assert {*one["units"]} == {"ALL", "MM"}
    assert bundle.info.acquisitions[0].centre == tuple(one["centre"])


def test_a_confounded_set_is_not_standardised_and_says_so(tmp_path):
    how = PhantomSettings(40, seed=3, width=240, height=180, acquisitions=2, confounded=True)
    root = write_phantom(tmp_path / "in", how)
    result = run_training(
        TrainJob(scan(root), TrainingSettings(model="logistic"), tmp_path / "b.marrow")
    )
    info = load_bundle(result.bundle).info
    assert info.acquisitions == ()
    assert [set(one.units) for one in info.observed] == [{"ALL"}, {"MM"}]
    assert all(np.isfinite(one.photograph).all() for one in info.observed)
    assert any("one class only" in note for note in result.notes)


def named(collection, name):
    """The same fields, of an acquisition with this name."""
    return tuple(
        replace(f, acquisition=name, source=f"{name}/{f.source}") for f in collection.fields
    )


def test_a_few_cells_of_the_new_place_make_answers_there_no_worse(bundle, here, tmp_path):
    """They are standardised by themselves, and the rest as a batch, which stays marked."""
    new = scan(write_phantom(tmp_path / "more", PhantomSettings(24, seed=5, **SIZE)))
    there = through(tmp_path / "there", new.fields, *BLUISH)
    few, rest = there.fields[::3], [f for k, f in enumerate(there.fields) if k % 3]
    assert {f.class_name for f in few} == {"ALL", "MM"}
    asked = replace(there, fields=tuple(rest))
    without = accuracy(predicted(bundle, asked, tmp_path), asked)
    fields = named(here, "here") + named(replace(there, fields=few), "there")
    out, settings = tmp_path / "few.marrow", replace(bundle.info.settings, max_error=0.1)
    run_training(TrainJob(replace(here, root=tmp_path, fields=fields), settings, out))
    learnt = load_bundle(out)
    assert {x.name for x in learnt.info.acquisitions} == {"here", "there"}
    held = [x for x in learnt.info.split["heldout"] if x.startswith("there")]
    assert len(held) == 2  # a quarter of eight, whatever the others
    n_of = {x.name: sum(x.units.values()) for x in learnt.info.observed}
    # the error is kept to in each with 19 answers: cells of both, and all fields together
    kept_in = min(n_of.values()) if learnt.info.settings.unit == "cell" else sum(n_of.values())
    assert learnt.info.confidence.smallest_group == kept_in
    result = predicted(learnt, asked, tmp_path / "few")
    assert accuracy(result, asked) >= without - 0.04  # of 16 fields, one standard error
    if learnt.info.settings.unit == "field":  # of cells ten fields hold many
        assert result.table["reason"].str.contains(OTHER_ACQUISITION).all()
        assert "30" in result.shift


@pytest.mark.parametrize("n_learnt", [2, 3])
def test_answers_elsewhere_stand_where_three_acquisitions_show_how_good_they_are(
    tmp_path, here, elsewhere, n_learnt
):
    cameras = {"b": (1.2, (0.95, 0.8, 0.7), 0.8), "c": (0.8, (0.7, 0.95, 0.9), 1.2)}
    fields = named(replace(here, fields=here.fields[::2]), "a")
    for seed, (name, how) in enumerate([*cameras.items()][: n_learnt - 1], 10):
        other = write_phantom(tmp_path / f"{name}0", PhantomSettings(16, seed=seed, **SIZE))
        fields += named(through(tmp_path / name, scan(other).fields, *how), name)
    collection = replace(here, root=tmp_path, fields=fields)
    out = tmp_path / "b.marrow"
    run_training(TrainJob(collection, TrainingSettings(model="logistic", unit="cell"), out))
    info = load_bundle(out).info
    asked = through(tmp_path / "new", elsewhere.fields, 0.9, (1, 0.9, 0.45), 1.7)
    marked = predicted(load_bundle(out), asked, tmp_path)
    assert marked.table["reason"].str.contains(OTHER_ACQUISITION).all()
    result = predicted(load_bundle(out), asked, tmp_path, "batch")
    because = result.table["reason"].str.contains(OTHER_ACQUISITION)
    if n_learnt == 2:
        assert info.elsewhere is None
        assert because.all()
        return
    assert "--adapt batch" in marked.shift
    assert info.elsewhere.holds
    assert info.elsewhere.units >= 50
    assert any("left out of training" in note for note in info.notes)
    assert not because.any()
    assert f"below {info.elsewhere.abstain_below:.0%}" in result.shift
    truth = result.table["image"].map({asked.label(f): f.class_name for f in asked.fields})
    kept = ~result.table["uncertain"]
    assert kept.mean() > 0.5
    assert (kept & (result.table["class"] != truth)).mean() <= 0.1
    plain = predicted(load_bundle(out), asked, tmp_path, "none")
    assert plain.table["uncertain"].all()  # not adapted: how good they are is not known


def laboratory(root, name):
    """Every third cell of a laboratory, of three classes, one a picture."""
    found = scan(root / "labs" / name)
    kept = [f for f in found.fields if f.class_name != "eosinophil"]
    return replace(found, fields=tuple(kept[::3]))


def test_from_one_laboratory_to_another(real_data, tmp_path):
    """Chance is 0.33; features as they are give 0.36 here."""
    learnt, asked = (laboratory(real_data, name) for name in ("pbc-yellow", "bccd"))
    out = tmp_path / "b.marrow"
    run_training(TrainJob(learnt, TrainingSettings(model="logistic"), out))
    result = run_prediction(PredictJob(load_bundle(out), [asked], tmp_path / "p.csv"))
    truth = result.table["image"].map({asked.label(f): f.class_name for f in asked.fields})
    right = result.table["class"] == truth
    assert right.groupby(truth).mean().mean() > 0.75
    assert result.table["uncertain"].all()
    names = [f"probability_{name}" for name in ("lymphocyte", "monocyte", "neutrophil")]
    assert result.table[names].max(axis=None) < 0.99
    assert "background" in result.shift


def test_of_few_sources_it_is_said_that_other_classes_are_not_told(bundle, here, same, tmp_path):
    few = replace(here, fields=here.fields[:4] + here.fields[-4:])
    out = tmp_path / "few.marrow"
    trained = run_training(TrainJob(few, bundle.info.settings, out))
    text = "Cells of other classes than ALL and MM can't be told apart from these"
    assert any(note.startswith(text) for note in trained.notes)
    assert any(note.startswith(text) for note in predicted(load_bundle(out), same, tmp_path).notes)
    assert not any(note.startswith(text) for note in predicted(bundle, same, tmp_path).notes)
