"""Where class and camera go together, that is said before any number, wherever there is one."""

import json
from dataclasses import replace

import pytest
from PIL import Image

from napari_marrow.data.fields import Field
from napari_marrow.data.layouts import scan
from napari_marrow.jobs.compare import CompareJob, run_comparison
from napari_marrow.jobs.predict import PredictJob, run_prediction
from napari_marrow.jobs.train import TrainingResult, TrainJob, run_training
from napari_marrow.learning.audited import audit_training
from napari_marrow.learning.bundles.bundle import load_bundle
from napari_marrow.learning.bundles.predictor import INSEPARABLE
from napari_marrow.learning.learners import SILENT
from napari_marrow.learning.settings import CompareSettings, TrainingSettings
from napari_marrow.measure.settings import STAIN_DEPENDENT_FAMILIES
from napari_marrow.report.page import write_page
from napari_marrow.simulation.phantom import PhantomSettings, write_phantom

FACT = "Class and camera go together in"
SMALL = {"width": 240, "height": 180, "acquisitions": 2}


@pytest.fixture(scope="module", params=[True, False], ids=["confounded", "crossed"])
def phantom(request, tmp_path_factory):
    """Simulated fields of two acquisitions, each of one class or of both."""
    how = PhantomSettings(24, seed=3, confounded=request.param, **SMALL)
    return scan(write_phantom(tmp_path_factory.mktemp("in"), how)), request.param


@pytest.fixture(scope="module")
def trained(phantom, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "b.marrow"
    return run_training(TrainJob(phantom[0], TrainingSettings(model="logistic"), out))


def test_train_says_it_first(phantom, trained):
    is_confounded = phantom[1]
    said = json.loads(json.dumps(trained.to_dict()))
    assert (FACT in said["verdict"][0]) == is_confounded
    assert "Held-out" in said["verdict"][1 if is_confounded else 0]
    assert TrainingResult.from_dict(said) == trained
    stored = json.loads((trained.bundle / "bundle.json").read_text())["confounding"]
    assert (stored is not None) == is_confounded
    info = load_bundle(trained.bundle).info
    assert info.confounding == trained.confounding
    if is_confounded:
        assert stored["properties"] == ["camera"]
        assert stored["cramers_v"] == pytest.approx(1, abs=1e-9)
        score = f"{trained.evaluation.metrics['accuracy'].estimate:.2f}"
        assert said["verdict"][0].endswith(f": {score} says nothing about other microscopes.")


def test_what_a_camera_changes_is_left_out_by_default(phantom, trained):
    is_confounded = phantom[1]
    info = load_bundle(trained.bundle).info
    assert info.settings.families == ("auto",)
    used = ("morphology", "lobes", *(() if is_confounded else ("colour",)))
    assert info.preprocessing.families == used
    sizes = [name for name in info.features if "_px" in name or name == "nuclei_count"]
    colours = [name for name in info.features if "density" in name]
    assert (not sizes, not colours) == (is_confounded, is_confounded)
    (note,) = [x for x in trained.notes if "left out, as" in x] or [""]
    assert ("colour" in note, "sizes in pixels" in note) == (is_confounded, is_confounded)
    measured = (trained.bundle / "features.csv").read_text()
    assert ("density" in measured) == (not is_confounded)


def test_answers_are_marked_where_a_camera_can_give_them(phantom, trained, tmp_path):
    collection, is_confounded = phantom
    bundle = load_bundle(trained.bundle)
    assert bundle.info.inseparable == is_confounded
    result = run_prediction(PredictJob(bundle, [collection], tmp_path / "p.csv"))
    because = result.table["reason"].str.contains(INSEPARABLE)
    assert because.all() if is_confounded else not because.any()
    assert all((INSEPARABLE in p.reason) == is_confounded for p in result.predictions)
    assert result.table["uncertain"].all() == is_confounded
    assert any("Every answer" in note for note in trained.notes) == is_confounded
    assert any("Answers below" in note for note in trained.notes) != is_confounded


@pytest.mark.parametrize(
    "families", [("morphology", "lobes", "colour"), ("histogram",), ("auto", "texture")]
)
def test_what_was_chosen_is_kept_and_reported(phantom, tmp_path, families):
    collection, is_confounded = phantom
    settings = TrainingSettings(model="logistic", families=families)
    result = run_training(TrainJob(collection, settings, tmp_path / "b.marrow"))
    info = load_bundle(result.bundle).info
    chosen = {*families} - {"auto"}
    assert chosen <= {*info.preprocessing.families}
    (note,) = [x for x in result.notes if "kept, as they were chosen" in x] or [""]
    for name in chosen & STAIN_DEPENDENT_FAMILIES:
        assert (name in note) == is_confounded
    if is_confounded and "auto" not in families:
        assert not any("left out, as" in x for x in result.notes)


def test_a_network_is_not_told_of_features(phantom):
    """It learns from pixels: there is nothing to leave out."""
    audited = audit_training(phantom[0], TrainingSettings(), SILENT)
    assert audited.features_note(()) == ()


def test_card_and_page_say_it_before_the_score(phantom, trained, tmp_path):
    collection, is_confounded = phantom
    card = (trained.bundle / "card.md").read_text(encoding="utf-8")
    info = load_bundle(trained.bundle).info
    page = tmp_path / "page.html"
    write_page(page, "A title", collection, info, figures=(), overlays=(), answers=())
    for text in (card, page.read_text(encoding="utf-8")):
        assert (FACT in text) == is_confounded
        assert text.find(FACT) < text.index("Held-out")


def test_predict_says_it_first(phantom, trained, tmp_path):
    collection, is_confounded = phantom
    result = run_prediction(
        PredictJob(load_bundle(trained.bundle), [collection], tmp_path / "p.csv")
    )
    assert (FACT in result.notes[0]) == is_confounded
    assert result.to_dict()["notes"] == result.notes
    assert (result.to_dict()["confounding"] is not None) == is_confounded


def test_compare_says_it_first(phantom, tmp_path):
    collection, is_confounded = phantom
    settings = CompareSettings(models=("naive-bayes",), folds=2)
    result = run_comparison(CompareJob(collection, tmp_path / "c", settings))
    written = json.loads((tmp_path / "c" / "comparison.json").read_text())
    for sentences in (result.result.verdict, written["verdict"]):
        assert (FACT in sentences[0]) == is_confounded
    assert (written["confounding"] is not None) == is_confounded
    assert any("left out, as" in note for note in result.notes) == is_confounded


def test_acquisitions_of_both_classes_are_adapted_to_and_nothing_is_left_out(tmp_path):
    """Two cameras, one with most of ALL and one with most of MM, and enough cells of each."""
    drawn = scan(write_phantom(tmp_path / "in", PhantomSettings(24, seed=5, **SMALL)))
    names = {"ALL": "ab", "MM": "ba"}
    fields = (
        replace(f, acquisition=names[f.class_name][int(f.name[-1]) % 4 == 0]) for f in drawn.fields
    )
    collection = replace(drawn, fields=tuple(fields))
    how = TrainingSettings(model="logistic", unit="cell")
    for adapt in ("auto", "none"):
        job = TrainJob(collection, replace(how, adapt=adapt), tmp_path / f"{adapt}.marrow")
        info = load_bundle(run_training(job).bundle).info
        assert info.confounding.properties == ("acquisition",)
        assert ("colour" in info.preprocessing.families) == (adapt == "auto")


def test_pictures_cut_to_the_size_of_the_cell_are_not_taken_for_two_cameras(tmp_path):
    """Size goes with the class in pictures of one given acquisition: that is said, no more."""
    drawn = scan(write_phantom(tmp_path / "in", PhantomSettings(24, seed=5, **SMALL)))
    fields = []
    for f in drawn.fields:
        side = 180 if f.class_name == "MM" else 160
        path = tmp_path / f"{f.name}.png"
        Image.fromarray(f.image()[:side, :side]).save(path)
        fields.append(Field(path, f.name, f.source, f.class_name, acquisition="one"))
    collection = replace(drawn, root=tmp_path, fields=tuple(fields))
    job = TrainJob(collection, TrainingSettings(model="logistic"), tmp_path / "b.marrow")
    info = load_bundle(run_training(job).bundle).info
    assert info.confounding.properties == ("size",)
    assert "colour" in info.preprocessing.families
    assert not info.inseparable
    assert info.acquisitions
