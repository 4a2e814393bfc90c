"""The comparison: the same folds for all, a source in one of them, spread and metrics by hand."""

import html
import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    matthews_corrcoef,
    precision_score,
    recall_score,
    roc_auc_score,
)

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.fields import Collection, with_groups
from napari_marrow.data.layouts import scan
from napari_marrow.jobs.compare import CompareJob, ComparisonResult, run_comparison
from napari_marrow.learning.classical.models import fit_classical
from napari_marrow.learning.scores.evaluation import Evaluation, Score
from napari_marrow.learning.scores.findings import DataSummary
from napari_marrow.learning.scores.metrics import score_units
from napari_marrow.learning.scores.results import EvaluationResult, ModelResult, of_json
from napari_marrow.learning.settings import CompareSettings
from napari_marrow.learning.splits import folds_by_source
from napari_marrow.learning.units.feature_table import feature_columns, measure_collection
from napari_marrow.measure.settings import FeatureSettings

FAST = CompareSettings(
    models=("naive-bayes", "decision-tree"), folds=4, families=("histogram", "fourier"), select=6
)
METRICS = ["balanced_accuracy", "accuracy", "precision", "recall", "specificity", "f1", "mcc"]
METRICS += ["auc", "average_precision"]


def compare(collection, out, **changes):
    """Compare; the result, the table and the answers as they lie on disk."""
    result = run_comparison(CompareJob(collection, out, replace(FAST, **changes)))
    return result, pd.read_csv(out / "comparison.csv"), pd.read_csv(out / "predictions.csv")


@pytest.fixture(scope="module")
def both(tmp_path_factory, many):
    """One comparison under both protocols: result, table, answers, folder."""
    out = tmp_path_factory.mktemp("compare") / "out"
    return *compare(scan(many), out, protocol="both"), out


def test_a_row_a_model_and_protocol(both):
    result, table, _, out = both
    assert sorted(p.name for p in out.iterdir()) == [
        "comparison.csv",
        "comparison.json",
        "figures",
        "predictions.csv",
        "report.html",
        "tables",
    ]
    assert [p.name for p in out.parent.iterdir()] == ["out"]
    assert list(zip(table["protocol"], table["model"], strict=True)) == [
        (p, m) for p in ("honest", "paper") for m in FAST.models
    ]
    wanted = [f"{m}{what}" for m in METRICS for what in ("", "_low", "_high", "_chance", "_spread")]
    assert list(table.columns) == [
        "model",
        "protocol",
        *wanted,
        "fit_seconds",
        "parameters",
        "model_bytes",
        "few_sources",
    ]
    assert (table["fit_seconds"] > 0).all()
    assert (result.units, result.sources, result.n_folds) == (16, 16, 4)
    assert len(result.notes) == 1
    assert "can make scores too good" in result.notes[0]
    written = json.loads((out / "comparison.json").read_text())
    assert written == json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert [list(row) for row in written["rows"]] == [list(table)] * 4
    assert [row["few_sources"] for row in written["rows"]] == [{}] * 4  # 8 of each class
    stored = of_json((out / "comparison.json").read_bytes())
    assert (stored.models, stored.verdict) == (result.rows, result.result.verdict)
    own = [row.evaluation.metrics["auc"].estimate for row in result.rows]
    np.testing.assert_allclose(own, table["auc"], atol=1e-09)
    for row, line in zip(result.rows, written["rows"], strict=True):
        assert (row.model, row.protocol, row.parameters) == (
            line["model"],
            line["protocol"],
            line["parameters"],
        )


def test_a_value_that_can_not_be_computed_is_null_and_has_a_column(tmp_path):
    """As where one model never answers with the positive class: it has no precision."""
    score, spread = Score(0.5, 0.2, 0.8, 0.5), {"accuracy": 0.1, "precision": 0.2}
    of_one, of_two = (
        Evaluation(dict.fromkeys(names, score), [[2, 0], [0, 2]], ("ALL", "MM"), "ALL", 4, 4, 1.0)
        for names in (["accuracy"], spread)
    )
    rows = (
        ModelResult("svm", "honest", of_one, spread={"accuracy": None}, fit_seconds=0.5),
        ModelResult("logistic", "honest", of_two, spread=spread, fit_seconds=0.5),
    )
    data = DataSummary("set", "field", (), "photograph", 0)
    found = EvaluationResult("compare", ("Something.",), data, rows)
    result = ComparisonResult(tmp_path, found, 4, 4, 2)
    one, other = json.loads(json.dumps(result.to_dict(), allow_nan=False))["rows"]
    assert set(one) == set(other)
    assert one["precision"] is one["precision_low"] is one["accuracy_spread"] is None
    assert (other["precision"], other["precision_spread"]) == (0.5, 0.2)
    assert result.table["precision"].isna().tolist() == [True, False]


def test_metrics_and_their_spread_are_those_of_the_answers(both):
    _, table, answers, _ = both
    for row in table.to_dict("records"):
        own = answers[(answers["model"] == row["model"]) & (answers["protocol"] == row["protocol"])]

        def scores(part):
            truth, said = part["class"] == "ALL", part["predicted"] == "ALL"
            return {
                "balanced_accuracy": balanced_accuracy_score(truth, said),
                "accuracy": (truth == said).mean(),
                "precision": precision_score(truth, said, zero_division=np.nan),
                "recall": recall_score(truth, said),
                "specificity": recall_score(~truth, ~said),
                "f1": f1_score(truth, said),
                "mcc": matthews_corrcoef(truth, said),
                "auc": roc_auc_score(truth, part["probability_ALL"]),
                "average_precision": average_precision_score(truth, part["probability_ALL"]),
            }

        whole = scores(own)
        folds = pd.DataFrame([scores(part) for _, part in own.groupby("fold")])
        assert len(folds) == 4
        for name in METRICS:
            assert row[name] == pytest.approx(whole[name], abs=1e-9), name
            if np.isfinite(folds[name]).all():
                assert row[f"{name}_spread"] == pytest.approx(folds[name].std(ddof=1), abs=1e-9), (
                    name
                )
        assert row["accuracy_low"] < row["accuracy"] <= row["accuracy_high"]


def test_answers_say_who_was_asked(both, many):
    _, _, answers, _ = both
    assert list(answers.columns) == [
        *("image", "index", "y", "x", "class", "source", "fold", "predicted", "repeat"),
        *("probability_ALL", "probability_MM", "model", "protocol"),
    ]
    sums = answers["probability_ALL"] + answers["probability_MM"]
    np.testing.assert_allclose(sums, 1, atol=1e-5)
    likely = np.where(answers["probability_ALL"] >= answers["probability_MM"], "ALL", "MM")
    assert (answers["predicted"] == likely).mean() == 1
    honest = answers[answers["protocol"] == "honest"]
    for _, own in honest.groupby("model"):
        assert sorted(own["image"]) == sorted(scan(many).label(f) for f in scan(many).fields)


def test_all_models_get_the_same_folds_and_no_source_is_parted(both):
    _, _, answers, _ = both
    for protocol, own in answers.groupby("protocol"):
        one, other = (own[own["model"] == m]["fold"].tolist() for m in FAST.models)
        assert one == other
        assert set(one) == {1, 2, 3, 4}
        folds = own.groupby("source")["fold"].nunique()
        if protocol == "honest":
            assert (folds == 1).all()
        else:  # rows trebled, and copies of one source on both sides
            assert len(one) == 3 * 16
            assert folds.max() > 1


def test_a_fold_is_answered_by_a_model_that_never_saw_it(tmp_path, many):
    """Choice, scaling and all: what is done to one source changes no other answer of its fold."""
    shutil.copytree(many, tmp_path / "in")
    models = {"models": ("naive-bayes", "logistic")}  # logistic is not sure of all
    before = compare(scan(tmp_path / "in"), tmp_path / "a", **models)[2]
    noise = np.random.default_rng(0).integers(0, 256, (36, 48, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "in" / "MM" / "MM_3.bmp")
    after = compare(scan(tmp_path / "in"), tmp_path / "b", **models)[2]
    assert before["fold"].tolist() == after["fold"].tolist()
    touched = before["image"] == "MM/MM_3.bmp"
    same = before["fold"].isin(before["fold"][touched]) & ~touched
    assert same.sum() == 2 * 3  # a fold of four
    names = ["probability_ALL", "probability_MM"]
    np.testing.assert_allclose(before[same][names], after[same][names], atol=1e-6)
    others = [x[~same & ~touched][names] for x in (before, after)]
    assert not np.allclose(*others, atol=1e-3)


def test_groups_stay_together(tmp_path, many):
    fields = scan(many).fields
    some = Collection(many, tuple(replace(f, source=f"day {k // 2}") for k, f in enumerate(fields)))
    result, table, answers = compare(some, tmp_path / "o", models=("naive-bayes",))
    assert result.sources == 8
    assert (answers.groupby("source")["fold"].nunique() == 1).all()
    assert answers.groupby("fold")["source"].nunique().tolist() == [2] * 4
    assert result.to_dict()["rows"][0]["few_sources"] == {"ALL": 4, "MM": 4}
    assert table["few_sources"].tolist() == ["ALL 4, MM 4"]
    said = "ALL has 4 sources of its own, too few for 5 folds; ask for fewer folds"
    with pytest.raises(MarrowError, match=said):
        compare(some, tmp_path / "p", folds=5)
    assert not (tmp_path / "p").exists()


def test_acquisitions_are_left_out_one_after_the_other(tmp_path, many):
    """Each has its own scores; over all they count as the sources, and three are too few."""
    fields = scan(many).fields
    days = ["Monday", "Tuesday", "Friday"]
    some = tuple(replace(f, acquisition=days[k % 3]) for k, f in enumerate(fields[:-1]))
    given = Collection(many, (*some, fields[-1]))  # of one it is not known
    result, table, answers = compare(
        given, tmp_path / "o", by="acquisition", folds=2, forecast=True
    )
    assert "No forecast" in result.result.forecast.sentences[0]
    assert (result.units, result.n_folds) == (15, 3)
    assert any("MM_8" in note for note in result.notes)
    label = given.label
    day = answers["image"].map({label(f): f.acquisition for f in some})
    assert (day.groupby(answers["fold"]).nunique() == 1).all()
    by = pd.read_csv(tmp_path / "o" / "acquisitions.csv")
    assert by["model"].tolist() == ["naive-bayes"] * 3 + ["decision-tree"] * 3
    assert by["acquisition"].tolist() == sorted(days) * 2
    for row in by.to_dict("records"):
        own = answers[(answers["fold"] == row["fold"]) & (answers["model"] == row["model"])]
        assert set(day[own.index]) == {row["acquisition"]}
        assert (row["units"], row["such_as"]) == (len(own), own["image"].iloc[0])
        assert row["balanced_accuracy"] == pytest.approx(
            balanced_accuracy_score(own["class"], own["predicted"]), abs=1e-9
        )
        counts = own["class"].value_counts()  # each photograph is a source
        assert row["few_sources"] == f"ALL {counts['ALL']}, MM {counts['MM']}"
    written = json.loads((tmp_path / "o" / "comparison.json").read_text())
    assert written["settings"]["by"] == "acquisition"
    assert [row["acquisition"] for row in written["acquisitions"]] == sorted(days) * 2
    assert written["rows"][0]["few_sources"] == {"ALL": 3, "MM": 3}
    spread = by[by["model"] == "naive-bayes"]["accuracy"].std(ddof=1)
    assert table["accuracy_spread"][0] == pytest.approx(spread, abs=1e-9)
    compare(given, tmp_path / "o")  # an older comparison is replaced
    assert not (tmp_path / "o" / "acquisitions.csv").exists()


@pytest.mark.parametrize(
    ("acquisition", "says"),
    [
        (lambda f: "Leica", "one acquisition, Leica"),
        (lambda f: f.class_name.lower(), "ALL is in all; MM is in mm"),
        (lambda f: "a" if f.name in ("ALL_1", "MM_1") else f.class_name, "ALL is in ALL, a"),
    ],
)
def test_acquisitions_that_go_with_the_class_are_not_left_out(tmp_path, many, acquisition, says):
    fields = tuple(replace(f, acquisition=acquisition(f)) for f in scan(many).fields)
    if says.startswith("ALL is in ALL"):  # of the second acquisition only one source of MM
        fields = tuple(f for f in fields if f.class_name == "ALL" or f.name == "MM_1")
    with pytest.raises(MarrowError, match=says) as error:
        compare(Collection(many, fields), tmp_path / "o", by="acquisition", protocol="both")
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_acquisitions_that_are_not_known_are_not_left_out(tmp_path, make_snam):
    """Flat dark pictures show no background, so the audit can't find their acquisition."""
    root = make_snam(tmp_path / "in", 3, size=(36, 48), masks=False)
    for k, path in enumerate(sorted(root.rglob("*.bmp"))):
        dark = np.random.default_rng(k).integers(0, 60, (36, 48, 3)).astype(np.uint8)
        Image.fromarray(dark).save(path)
    with pytest.raises(MarrowError, match="acquisition"):
        compare(scan(root), tmp_path / "o", by="acquisition")


def test_three_classes_have_accuracy_only(tmp_path, many):
    fields = [
        replace(f, class_name="third") if k % 8 > 4 else f for k, f in enumerate(scan(many).fields)
    ]
    result, table, answers = compare(
        Collection(many, tuple(fields)), tmp_path / "o", models=("logistic",), folds=3
    )
    assert "auc" not in table
    assert "precision" not in result.rows[0].evaluation.metrics
    right = (answers["predicted"] == answers["class"]).mean()
    assert table["accuracy"][0] == pytest.approx(right, abs=1e-9)
    assert set(answers.columns) >= {"probability_ALL", "probability_MM", "probability_third"}


def test_permuted_classes_give_chance(phantom):
    """On fields whose classes share their stain batches; unpermuted it is far above chance."""
    table = measure_collection(phantom, FeatureSettings(("morphology", "colour"), "cell"))
    sources, columns = table["source"].to_numpy(str), feature_columns(table)
    names = np.unique(sources)
    truth = dict(zip(table["source"], table["class"], strict=True))

    def accuracy(classes):
        codes = (classes == "MM").astype(np.intp)
        answers = np.zeros((len(table), 2))
        for train, test in folds_by_source(classes, sources, 5, 0):
            fitted = fit_classical("naive-bayes", table.iloc[train], columns, codes[train], 10, 0)
            answers[test] = fitted.probabilities(table.iloc[test])
        asked = table.assign(**{"class": classes})
        return score_units(asked, answers, ("ALL", "MM")).metrics["accuracy"]

    real = accuracy(table["class"].to_numpy(str))
    assert real.low > real.chance
    held = []
    for seed in range(4):
        permuted = np.random.default_rng(seed).permutation([truth[s] for s in names])
        found = accuracy(permuted[np.searchsorted(names, sources)])
        held.append(found.low <= found.chance)
        assert found.estimate < real.estimate - 0.1
    assert sum(held) >= 3  # an interval of 95 % may miss now and then


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"models": ("resnet",)}, "Models has 'resnet'; choose from"),
        ({"families": ("smell",)}, "Families has 'smell'"),
        ({"folds": 9}, "ALL has 8 sources of its own, too few for 9 folds"),
    ],
)
def test_what_can_not_work_is_said_and_leaves_nothing(tmp_path, many, changes, says):
    with pytest.raises(MarrowError, match=says) as error:
        compare(scan(many), tmp_path / "o", **changes)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_one_class_only(tmp_path, many):
    one = Collection(many, scan(many).fields[:8])
    with pytest.raises(MarrowError, match="holds only the class ALL"):
        compare(one, tmp_path / "o")


def test_a_folder_of_something_else_is_not_deleted_and_an_older_comparison_is(tmp_path, many):
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "thesis.txt").write_text("years of work")
    with pytest.raises(MarrowError, match=r"holds other files.*thesis\.txt"):
        compare(scan(many), tmp_path / "o")
    (tmp_path / "o" / "thesis.txt").unlink()
    (tmp_path / "o").rmdir()
    for _ in range(2):
        compare(scan(many), tmp_path / "o", models=("naive-bayes",))
    assert len(list((tmp_path / "o").iterdir())) == 6


@pytest.mark.parametrize("limit", [3, 18])
def test_stopped_while_measuring_or_between_folds_leaves_nothing(tmp_path, many, limit):
    asked = []

    def should_stop():
        asked.append(1)
        return len(asked) == limit

    with pytest.raises(Stopped):
        run_comparison(CompareJob(scan(many), tmp_path / "o", FAST), should_stop=should_stop)
    assert len(asked) == limit
    assert list(tmp_path.iterdir()) == []


def test_progress_only_grows(tmp_path, many):
    events = []
    how = replace(FAST, protocol="both", models=("naive-bayes",))
    run_comparison(CompareJob(scan(many), tmp_path / "o", how), events.append)
    fractions = [e.fraction for e in events]
    assert fractions == sorted(fractions)
    assert 0 == fractions[0] < fractions[-1] < 1


@pytest.mark.slow
def test_a_network_beside_a_classical_model(tmp_path, make_snam, keras_started):
    root = make_snam(tmp_path / "in", 2, size=(32, 40), masks=False)
    models = {"models": ("dcnn", "naive-bayes"), "epochs": 1, "device": "cpu", "input_size": 32}
    result, table, answers = compare(scan(root), tmp_path / "o", **models, folds=2, protocol="both")
    assert table["model"].tolist() == ["dcnn", "naive-bayes"] * 2
    assert table["parameters"][0] > 10_000
    assert result.units == 4
    for protocol, copies in (("honest", 1), ("paper", 3)):  # as it is, turned, and its edges
        under = answers[answers["protocol"] == protocol]
        one, other = (under[under["model"] == m] for m in ("dcnn", "naive-bayes"))
        assert len(one) == len(other) == 4 * copies
        assert (one.groupby("image").size() == copies).all()
        np.testing.assert_allclose(one["probability_ALL"] + one["probability_MM"], 1, atol=1e-5)
        folds = [x.groupby("image")["fold"].agg(sorted).to_dict() for x in (one, other)]
        assert folds[0] == folds[1]
    for row in result.rows:
        if row.model == "naive-bayes":
            assert row.curves.loss is None
        else:
            assert row.curves.loss.x == (1.0,)
            assert row.curves.loss.low < row.curves.loss.y < row.curves.loss.high  # one a fold
    drawn = [p.name for p in (tmp_path / "o" / "figures").iterdir() if "loss" in p.name]
    assert len(drawn) == 1


@pytest.mark.slow
def test_the_controls_of_a_network_alone(tmp_path, make_snam, keras_started):
    root = make_snam(tmp_path / "in", 4, size=(32, 40), masks=False)
    network = {"models": ("dcnn",), "epochs": 1, "device": "cpu", "input_size": 32}
    result, _, _ = compare(scan(root), tmp_path / "o", **network, folds=2, controls=True)
    found = {one.name: one for one in result.result.controls}
    assert found["permuted"].text == "dcnn fitted to permuted classes"
    assert all(one.few_sources == {"ALL": 4, "MM": 4} for one in found.values())
    table = pd.read_csv(tmp_path / "o" / "tables" / "controls.csv")
    assert table["name"].tolist() == list(found)
    assert set(table["few_sources"]) == {"ALL 4, MM 4"}
    assert not table["does_well"].any()


def test_the_table_of_sources_is_named_where_it_gives_sources(tmp_path, many):
    collection = scan(many)
    labels = [collection.label(f) for f in collection.fields]
    for column, expected in (("source", "t.csv"), ("acquisition", "photograph")):
        rows = [f"{name},{k % 8}" for k, name in enumerate(labels)]
        (tmp_path / "t.csv").write_text("\n".join([f"image,{column}", *rows]))
        named = with_groups(collection, tmp_path / "t.csv")
        named = Collection.from_dict(named.to_dict())  # as the child process has it
        result, _, _ = compare(named, tmp_path / column, models=("naive-bayes",))
        assert result.result.data.grouped_by == expected


def test_repeats_cut_other_folds_and_their_scores_are_means(tmp_path, many):
    result, table, answers = compare(scan(many), tmp_path / "o", repeats=3, models=("naive-bayes",))
    assert (result.units, result.sources, result.n_folds) == (16, 16, 12)
    cuts = set()
    for repeat, own in answers.groupby("repeat"):
        assert sorted(own["image"]) == sorted(scan(many).label(f) for f in scan(many).fields)
        assert sorted(set(own["fold"])) == [4 * repeat - 3 + k for k in range(4)]
        cuts.add(frozenset(map(frozenset, own.groupby("fold")["image"].agg(list))))
    assert len(cuts) == 3
    right = answers["predicted"] == answers["class"]
    means = right.groupby(answers["repeat"]).mean()
    assert table["accuracy"][0] == pytest.approx(means.mean(), abs=1e-9)
    folds = right.groupby(answers["fold"]).mean()
    assert table["accuracy_spread"][0] == pytest.approx(folds.std(ddof=1), abs=1e-9)
    assert any("made 3 times" in note for note in result.notes)


def test_repeats_narrow_no_interval_by_counting_units_again(tmp_path, many):
    """Sixteen photographs stay sixteen, however often each is asked about."""
    once, often = (
        compare(scan(many), tmp_path / str(k), repeats=k, models=("naive-bayes",))[1]
        for k in (1, 8)
    )
    widths = [(x["accuracy_high"] - x["accuracy_low"])[0] for x in (once, often)]
    assert widths[1] > 0.8 * widths[0]  # eight times the units would give about a third


def test_the_published_protocol_learns_from_three_quarters(tmp_path, many):
    result, _, answers = compare(
        scan(many), tmp_path / "o", protocol="paper", folds=8, models=("naive-bayes",)
    )
    assert result.n_folds == 4
    assert answers.groupby("fold").size().tolist() == [12] * 4  # of 48


def test_a_result_has_its_parts(both, many):
    result = both[0].result
    assert [(x.name, x.fields, x.sources, x.units) for x in result.data.classes] == [
        ("ALL", 8, 8, 8),
        ("MM", 8, 8, 8),
    ]
    assert (result.data.unit, result.data.grouped_by, result.data.name) == (
        "field",
        "photograph",
        many.name,
    )
    assert {(x.protocol, x.fold) for x in result.folds} == {
        (p, k) for p in ("honest", "paper") for k in (1, 2, 3, 4)
    }
    assert sum(x.units for x in result.folds if x.protocol == "honest") == 16
    assert [(x.first, x.second, x.protocol) for x in result.differences] == [
        ("naive-bayes", "decision-tree", p) for p in ("honest", "paper")
    ]
    assert result.settings["models"] == "naive-bayes,decision-tree"
    assert "--protocol both --folds 4" in result.command.replace("--models", "")
    page = (both[3] / "report.html").read_text()
    assert result.verdict[0] in html.unescape(page)


def test_mistakes_are_the_wrong_answers_of_the_leading_model(both):
    result, _, answers, _ = both
    own = answers[(answers["protocol"] == "honest") & (answers["class"] != answers["predicted"])]
    model = (
        result.result.best
        or max(result.rows[:2], key=lambda x: x.evaluation.metrics["accuracy"].estimate).model
    )
    assert [x.model for x in result.result.mistakes] == [model] * (own["model"] == model).sum()
    certain = [x.probability for x in result.result.mistakes]
    assert certain == sorted(certain, reverse=True)
    for one in result.result.mistakes:
        (row,) = own[(own["model"] == model) & (own["image"] == one.image)].to_dict("records")
        assert (one.truth, one.answer) == (row["class"], row["predicted"])
        assert one.probability == pytest.approx(row[f"probability_{one.answer}"])


def test_controls_and_forecast_where_they_are_asked_for(tmp_path, make_snam):
    """The classes differ by their cells alone: neither background nor permuted classes do well."""
    root = make_snam(tmp_path / "in", 12, masks=False)
    settings = replace(FAST, models=("naive-bayes",), controls=True, forecast=True, folds=3)
    result = run_comparison(CompareJob(scan(root), tmp_path / "o", settings)).result
    by = {control.name: control for control in result.controls}
    assert list(by) == ["permuted", "background", "shape", "colour"]
    assert by["shape"].does_well
    assert by["shape"].score.estimate > 0.9
    for name in ("permuted", "background"):
        assert by[name].score.low <= 0.5
        assert not by[name].does_well
    assert result.forecast.model == "naive-bayes"
    assert [point.sources for point in result.forecast.measured] == [3, 5, 6, 8]
    assert result.forecast.sentences[0] in result.verdict


def test_a_background_that_tells_the_class_comes_first(tmp_path, make_snam):
    root = make_snam(tmp_path / "in", 8, masks=False)
    for path in root.glob("MM/*.bmp"):
        pixels = np.asarray(Image.open(path)).copy()
        pale = pixels.min(axis=2) > 180
        pixels[pale] = pixels[pale] // 20 * 19
        Image.fromarray(pixels).save(path)
    settings = replace(FAST, models=("naive-bayes",), controls=True, folds=3)
    result = run_comparison(CompareJob(scan(root), tmp_path / "o", settings)).result
    assert {x.name for x in result.controls if x.does_well} >= {"background", "colour"}
    assert result.verdict[0].startswith("The score may not be about cells")
    assert result.forecast is None


def test_controls_need_honest_folds(tmp_path, many):
    with pytest.raises(MarrowError, match="choose the protocol honest"):
        compare(scan(many), tmp_path / "o", protocol="paper", controls=True)
