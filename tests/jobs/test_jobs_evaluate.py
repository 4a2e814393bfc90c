"""A model judged on photographs it does not know: scores of the answers, and what is left out."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, matthews_corrcoef

from napari_marrow.audit.verdict import Confounding
from napari_marrow.data.errors import EditedResultError, MarrowError, Stopped
from napari_marrow.data.fields import Collection
from napari_marrow.data.layouts import scan
from napari_marrow.imaging.nuclei import field_labels
from napari_marrow.jobs.evaluate import run_evaluation
from napari_marrow.jobs.evaluate_job import EvaluateJob
from napari_marrow.jobs.predict import PredictJob, run_prediction
from napari_marrow.learning.bundles.bundle import load_bundle
from napari_marrow.learning.bundles.predictor import Predictor
from napari_marrow.learning.counting.count import count_cells
from napari_marrow.learning.counting.heldout import HeldOutErrors, NothingHeldOutError
from napari_marrow.learning.counting.result import CountSettings
from napari_marrow.learning.evaluation import evaluate as learning
from napari_marrow.learning.evaluation.controls import centred
from napari_marrow.learning.scores.evaluation import Score
from napari_marrow.learning.scores.findings import Control
from napari_marrow.learning.scores.results import of_json
from napari_marrow.learning.settings import EvaluateSettings
from napari_marrow.simulation.phantom import PhantomSettings, write_phantom

pytestmark = pytest.mark.usefixtures("no_leftovers")


@pytest.fixture(scope="module")
def new(tmp_path_factory) -> Collection:
    """Eight simulated fields that no model has seen. Look, don't touch."""
    settings = PhantomSettings(fields=8, width=160, height=120, seed=7)
    return scan(write_phantom(tmp_path_factory.mktemp("new"), settings))


def evaluate(bundle, collection, out, **settings):
    """Evaluate; the run, ``evaluation.json`` and the answers as they lie on disk."""
    run = run_evaluation(EvaluateJob(bundle, collection, out, EvaluateSettings(**settings)))
    content = json.loads((out / "evaluation.json").read_text(), parse_constant=pytest.fail)
    return run, content, pd.read_csv(out / "predictions.csv", keep_default_na=False)


def ask(svm, collection, **settings):
    """The result and the answers, without files and report."""
    found = learning.evaluate(load_bundle(svm["bundle"]), collection, EvaluateSettings(**settings))
    return found.result, found.answers


@pytest.fixture(scope="module")
def judged(tmp_path_factory, svm, new):
    """One evaluation with controls: run, JSON, answers, folder."""
    out = tmp_path_factory.mktemp("evaluate") / "out"
    return *evaluate(svm["bundle"], new, out, controls=True), out


def test_scores_are_those_of_the_answers(judged, new, svm):
    run, content, answers, _ = judged
    assert len(answers) == sum(field_labels(f).max() for f in new.fields)
    assert set(answers["image"]) == {new.label(f) for f in new.fields}
    truth, answer = answers["class"], answers["predicted"]
    found = {name: score["estimate"] for name, score in content["metrics"].items()}
    assert found["accuracy"] == pytest.approx((truth == answer).mean(), abs=1e-9)
    expected = balanced_accuracy_score(truth, answer)
    assert found["balanced_accuracy"] == pytest.approx(expected, abs=1e-9)
    assert found["mcc"] == pytest.approx(matthews_corrcoef(truth, answer), abs=1e-9)
    brier = brier_score_loss(truth == "ALL", answers["probability_ALL"])
    assert found["brier"] == pytest.approx(brier, abs=1e-6)
    for score in content["metrics"].values():
        assert score["low"] <= score["estimate"] <= score["high"]
    assert found == {name: score["estimate"] for name, score in run.metrics.items()}


def test_answers_are_those_of_a_prediction(judged, new, svm, tmp_path):
    _, _, answers, _ = judged
    asked = run_prediction(PredictJob(load_bundle(svm["bundle"]), [new], tmp_path / "p.csv"))
    own = answers.rename(columns={"class": "truth", "predicted": "class"})
    names = ["image", "index", "class", "probability_ALL", "reason"]
    pd.testing.assert_frame_equal(own[names], asked.table[names], atol=1e-9, check_dtype=False)


def test_the_folder_has_all_that_was_found(judged):
    run, content, answers, out = judged
    assert {"evaluation.json", "predictions.csv", "report.html"} <= {p.name for p in out.iterdir()}
    assert of_json((out / "evaluation.json").read_bytes()) == run.result
    model = run.result.models[0]
    assert model.model_bytes == (load_bundle_path(run) / "model.onnx").stat().st_size
    certain = answers["uncertain"].astype(str) == "False"
    assert (0 if model.certain is None else model.certain.units) == certain.sum()
    assert model.by_field.units == 8
    assert content["command"].endswith("--controls")
    listed = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert set(content["files"]) == listed - {"evaluation.json"}
    wrong = answers[answers["class"] != answers["predicted"]]
    assert {(x.image, x.index) for x in run.result.mistakes} == set(
        zip(wrong["image"], wrong["index"], strict=True)
    )


def load_bundle_path(run) -> Path:
    """The bundle that a run was of, from its command."""
    return Path(run.result.command.split()[2])


def test_controls_are_asked_and_permuted_classes_are_chance(judged):
    run, *_ = judged
    controls = {x.name: x for x in run.result.controls}
    assert list(controls) == ["permuted", "background", "shape", "colour"]
    permuted = controls["permuted"].score
    assert permuted.low < 0.5 < permuted.high
    assert permuted.estimate == pytest.approx(0.5, abs=0.03)
    for one in controls.values():
        assert one.few_sources == {"ALL": 4, "MM": 4}
        assert not one.does_well  # whatever the interval: it is a guess


def test_a_control_goes_by_the_order_of_answers_that_are_all_the_same():
    """All four are called the first class, the last two with less certainty."""
    both = np.array([[0.99, 0.01], [0.98, 0.02], [0.9, 0.1], [0.8, 0.2]])
    found = centred(both)
    assert found.argmax(axis=1).tolist() == [0, 0, 1, 1]
    np.testing.assert_allclose(found.sum(axis=1), 1)
    # odds of 9 against the medians of the logarithms, by hand
    first, second = 0.9 / np.sqrt(0.98 * 0.9), 0.1 / np.sqrt(0.02 * 0.1)
    assert found[2, 0] == pytest.approx(first / (first + second), abs=1e-9)
    assert np.isfinite(centred(np.array([[1.0, 0.0], [0.0, 1.0]]))).all()


def test_shares_are_adjusted_for_the_errors_at_the_training(judged, svm):
    """Rogan and Gladen 1978, by hand, from the answers and the held-out units of the bundle."""
    run, _, answers, _ = judged
    heldout = pd.read_csv(svm["bundle"] / "heldout.csv")
    right = heldout["class"] == heldout["predicted"]
    sensitivity, specificity = (right[heldout["class"] == x].mean() for x in ("ALL", "MM"))
    apparent = (answers["predicted"] == "ALL").mean()
    expected = (apparent + specificity - 1) / (sensitivity + specificity - 1)
    whole = {x.class_name: x for x in run.result.shares if not x.image and not x.source}
    assert whole["ALL"].estimate == pytest.approx(np.clip(expected, 0, 1), abs=1e-9)
    assert whole["ALL"].estimate + whole["MM"].estimate == pytest.approx(1, abs=1e-9)
    assert whole["ALL"].counted == (answers["predicted"] == "ALL").sum()
    assert {x.image for x in run.result.shares} == {"", *answers["image"]}
    assert whole["ALL"].low <= whole["ALL"].estimate <= whole["ALL"].high


def test_a_damaged_table_of_held_out_units_is_no_unknown_error(svm, new, monkeypatch):
    """Nothing held out leaves the errors unknown; a table that can't be read is refused."""

    def errors(error):
        def of_bundle(bundle):
            raise error

        monkeypatch.setattr(HeldOutErrors, "of_bundle", of_bundle)

    errors(NothingHeldOutError("None."))
    assert ask(svm, new)[0].shares == ()
    errors(MarrowError("heldout.csv can't be read."))
    with pytest.raises(MarrowError, match="can't be read"):
        ask(svm, new)


def test_a_share_is_compared_with_a_cutoff(svm, new):
    """As the command count does, from the table of a prediction."""
    result, answers = ask(svm, new, count="MM", cutoff=20.0)
    table = answers.assign(**{"class": answers["predicted"]})
    sources = dict(zip(answers["image"], answers["source"], strict=True))
    errors = HeldOutErrors.of_bundle(load_bundle(svm["bundle"]))
    expected = count_cells(table, CountSettings(class_name="MM", cutoff=20.0), errors, sources)
    assert result.count == expected.sentences
    assert any("20 %" in sentence for sentence in result.count)
    assert ask(svm, new)[0].count == ()
    low = answers["reason"].str.contains("low probability")
    assert result.models[0].low_probability == low.mean()
    with pytest.raises(MarrowError, match=r"svm\.marrow.*Plasma"):
        ask(svm, new, count="Plasma")


def test_photographs_that_are_known_are_left_out(tmp_path, phantom, svm, new):
    """By their bytes, and by what they show where they were turned and saved anew."""
    for field in new.fields:
        folder = tmp_path / "in" / field.class_name
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(field.image()).save(folder / f"new_{field.name}.png")
    info, known = load_bundle(svm["bundle"]).info, phantom.fields
    for k, field in enumerate(known):
        if k % 2:
            shutil.copy(field.path, tmp_path / "in" / field.class_name)
        else:
            turned = Image.fromarray(np.rot90(field.image()))
            turned.save(tmp_path / "in" / field.class_name / f"turned_{k}.png")
    result, answers = ask(svm, scan(tmp_path / "in"))
    held = len(info.split["heldout"])
    assert (result.data.known, result.data.held_out) == (10 - held, held)
    assert len(set(answers["image"])) == 8
    assert all("new_" in name for name in answers["image"])
    note = next(note for note in result.notes if "learnt from" in note)
    assert f"{10 - held} that it learnt from and {held}" in note


def with_source(field, source):
    """The field as a table of sources gives it."""
    return replace(field, source=source)


def test_others_of_a_source_that_was_learnt_from_are_left_out(phantom, svm, new):
    """Patient 1 was learnt from; patient 2 was held out, and nothing was fitted to it."""
    bundle = load_bundle(svm["bundle"])
    held = set(bundle.info.split["heldout"])
    learnt = next(f for f in phantom.fields if f.source not in held)
    judged_by = next(f for f in phantom.fields if f.source in held)
    one, two, *others = new.fields
    fields = [with_source(f, "patient 1") for f in (learnt, one)]
    fields += [with_source(f, "patient 2") for f in (judged_by, two)]
    fields += [with_source(f, f"other {k}") for k, f in enumerate(others)]
    result, answers = ask(svm, replace(new, fields=tuple(fields), grouped_by="groups.csv"))
    data = result.data
    assert (data.known, data.same_source, data.held_out) == (1, 1, 1)
    assert set(answers["image"]) == {new.label(f) for f in (two, *others)}
    note = next(note for note in result.notes if "same source" in note)
    assert note.startswith("1 photograph of the same source as one that the model learnt from was")
    alone = replace(new, fields=tuple(fields[:2]), grouped_by="groups.csv")
    with pytest.raises(MarrowError, match=r"1 learnt from, 1 of the same source as one of these"):
        ask(svm, alone)


def test_a_table_tells_the_source_of_photographs_learnt_from_that_are_not_here(svm, new):
    """One table of all patients, and a folder of the new photographs alone."""
    bundle = load_bundle(svm["bundle"])
    learnt, held = (
        sorted(x)[0] for x in (bundle.learnt, {*bundle.info.fingerprints} - bundle.learnt)
    )
    one, two, *others = new.fields
    fields = (with_source(one, "patient 1"), with_source(two, "patient 2"), *others)
    rows = ((learnt, "patient 1"), (held, "patient 2"), ("another.png", others[0].source))
    found = replace(new, fields=fields, grouped_by="groups.csv", elsewhere=rows)
    result, answers = ask(svm, Collection.from_dict(found.to_dict()))
    assert (result.data.known, result.data.same_source, result.data.held_out) == (0, 1, 0)
    assert set(answers["image"]) == {new.label(f) for f in (two, *others)}


def test_a_model_is_not_judged_on_what_it_knows_alone(tmp_path, phantom, svm):
    with pytest.raises(MarrowError, match=r"knows all 10 photographs") as error:
        evaluate(svm["bundle"], phantom, tmp_path / "out")
    assert str(svm["bundle"]) in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_answers_that_stand_have_the_measure_of_all(svm, new):
    """Fewer of one class stand, and the accuracy of all is compared with the same of these."""
    result, _ = ask(svm, new)
    (model,) = result.models
    metrics = {name: Score(value, value, value, 0.5) for name, value in
               (("accuracy", 0.9), ("balanced_accuracy", 0.6))}  # fmt: skip
    uneven = {**metrics, "accuracy": replace(metrics["accuracy"], chance=0.8)}
    every = replace(model.evaluation, metrics=metrics, units=40, few_sources={})
    stand = replace(every, metrics=uneven, units=30)
    text = learning._of_certain(replace(model, evaluation=every, certain=stand))
    assert "of these the accuracy is 0.90" in text


def renamed(collection: Collection, names: dict[str, str]) -> Collection:
    """The collection with other classes."""
    fields = tuple(
        replace(f, class_name=names.get(f.class_name, f.class_name)) for f in collection.fields
    )
    return replace(collection, fields=fields)


def test_classes_that_are_not_known_are_in_no_score(svm, new):
    kept = [f.name for f in new.fields if f.class_name == "MM"][:2]
    fields = tuple(replace(f, class_name="blast") if f.name in kept else f for f in new.fields)
    result, answers = ask(svm, replace(new, fields=fields))
    others = answers["class"] == "blast"
    assert others.sum() > 0
    assert result.models[0].evaluation.units == (~others).sum()
    marked = answers["uncertain"][others].sum()
    note = next(note for note in result.notes if "blast" in note)
    assert note.startswith(f"{others.sum()} cells of blast")
    assert f"{marked} w" in note


def test_no_class_in_common_or_none_at_all(tmp_path, svm, new):
    with pytest.raises(MarrowError, match=r"a, b, and .*svm.marrow knows ALL, MM") as error:
        evaluate(svm["bundle"], renamed(new, {"ALL": "a", "MM": "b"}), tmp_path / "out")
    assert str(new.root) in str(error.value)
    nothing = replace(new, fields=tuple(replace(f, class_name=None) for f in new.fields))
    with pytest.raises(MarrowError, match=r"holds no photograph with a class"):
        evaluate(svm["bundle"], nothing, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_another_microscope_stands_first(svm, new, monkeypatch):
    """What the shift test says of the photographs, before any score."""
    adapt = Predictor.adaptation

    def of_others(self, batch, how="auto"):
        return replace(adapt(self, batch, how), is_other=True, differences=("darker by 60 %",))

    monkeypatch.setattr(Predictor, "adaptation", of_others)
    result, answers = ask(svm, new)
    assert "unlike those learnt from" in result.verdict[0]
    assert "darker by 60 %" in result.verdict[0]
    assert answers["uncertain"].all()
    assert result.models[0].certain is None
    assert result.verdict[-1].startswith("None of the")


def test_what_the_training_set_can_not_tell_stands_before_the_score(svm, new, monkeypatch):
    confounding = Confounding(("camera",), 1.0, 1e-9)
    bundle = load_bundle(svm["bundle"])
    found = learning.evaluate(
        replace(bundle, info=replace(bundle.info, confounding=confounding)), new
    )
    assert found.result.verdict[0] == confounding.sentence


def test_a_control_that_does_well_comes_first_of_all(svm, new, monkeypatch):
    well = Control("background", "the background", Score(0.9, 0.8, 0.95, 0.5), True)
    monkeypatch.setattr(learning, "ask_controls", lambda *_: (well,))
    result, _ = ask(svm, new, controls=True)
    assert "may not be about cells" in result.verdict[0]
    assert "the background" in result.verdict[0]


def test_broken_photographs_are_left_out_and_named(tmp_path, svm, new):
    shutil.copytree(new.root, tmp_path / "in")
    victim = scan(tmp_path / "in").fields[0].path
    victim.write_bytes(victim.read_bytes()[:2000])
    result, answers = ask(svm, scan(tmp_path / "in"))
    assert len(result.data.failed) == 1
    assert victim.stem in result.data.failed[0]
    assert len(set(answers["image"])) == 7
    job = EvaluateJob(svm["bundle"], scan(tmp_path / "in"), tmp_path / "other", strict=True)
    with pytest.raises(MarrowError, match=victim.name):
        run_evaluation(job)


def test_an_older_result_is_replaced_and_an_edited_one_kept(tmp_path, svm, new, monkeypatch):
    monkeypatch.setattr("napari_marrow.jobs.evaluate.write_report", lambda *_: None)
    some = replace(new, fields=new.fields[::2])
    evaluate(svm["bundle"], some, tmp_path / "out")
    evaluate(svm["bundle"], some, tmp_path / "out")
    (tmp_path / "out" / "predictions.csv").write_text("mine")
    with pytest.raises(EditedResultError, match=r"predictions\.csv"):
        evaluate(svm["bundle"], some, tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(MarrowError, match=r"notes\.txt"):
        run_evaluation(EvaluateJob(svm["bundle"], some, tmp_path / "out", force=True))


def test_it_can_be_stopped_and_writes_nothing_then(tmp_path, svm, new):
    asked = iter(range(1000))
    with pytest.raises(Stopped):
        run_evaluation(
            EvaluateJob(svm["bundle"], new, tmp_path / "out"), should_stop=lambda: next(asked) > 12
        )
    assert list(tmp_path.iterdir()) == []


def test_a_job_is_stored_as_json(tmp_path, svm, new):
    job = EvaluateJob(
        svm["bundle"],
        new,
        tmp_path,
        EvaluateSettings(controls=True),
        tmp_path / "g.csv",
        strict=True,
    )
    assert EvaluateJob.from_dict(json.loads(json.dumps(job.to_dict()))) == job
