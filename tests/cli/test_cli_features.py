"""The commands ``features``, ``train`` of a classical model, and ``compare``."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from napari_marrow.cli.console import print_comparison, print_controls
from napari_marrow.learning.scores.evaluation import Evaluation, Score
from napari_marrow.learning.scores.findings import Control
from napari_marrow.learning.scores.results import ModelResult

QUICK = ("--families", "histogram,fourier", "--select", 5)


@pytest.fixture(scope="module")
def many(tmp_path_factory, make_snam):
    return make_snam(tmp_path_factory.mktemp("many"), 5, size=(36, 48))


@pytest.mark.parametrize(
    ("tokens", "says"),
    [
        (["features", "x"], "--out"),
        (["features", "x", "--out", "t", "--families", "smell"], "'smell'; choose from histogram"),
        (["features", "x", "--out", "t", "--unit", "slide"], "slide"),
        (["features", "x", "--out", "t", "--select", "0"], "Select is 0"),
        (["features", "x", "--out", "t", "--select", "1.5"], "'1.5' is not a whole number"),
        (["train", "x", "--out", "y", "--model", "svm", "--families", "a,colour"], "'a'; choose"),
        (["train", "x", "--out", "y", "--model", "svm", "--select", "0"], "Select is 0"),
        (["compare", "x"], "--out"),
        (["compare", "x", "--out", "y", "--models", "svm,resnet"], "Models has 'resnet'"),
        (["compare", "x", "--out", "y", "--folds", "1"], "Folds is 1"),
        (["compare", "x", "--out", "y", "--protocol", "none"], "none"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_2(refused, tokens, says):
    assert says in refused(2, *tokens)


def test_features(call, tmp_path, many):
    status, out, err = call("features", many, "--out", tmp_path / "T.csv", *QUICK)
    assert status == 0, err
    table, scores = pd.read_csv(tmp_path / "T.csv"), pd.read_csv(tmp_path / "T.scores.csv")
    assert f"10 rows of {len(table.columns) - 6} features in {tmp_path / 'T.csv'}." in out
    best = ", ".join(scores["feature"][:5])
    assert f"Scores in {tmp_path / 'T.scores.csv'}; the best: {best}." in out
    assert "Research use only" in out
    assert scores["selected"].sum() == 5


def test_features_of_cells_as_json(call, tmp_path, many):
    tokens = ("--unit", "cell", "--families", "colour, morphology", "--select", 3, "--json")
    status, out, _ = call("features", many, "--out", tmp_path / "T.csv", *tokens)
    assert status == 0
    assert out.count("\n") == 1
    result = json.loads(out, parse_constant=pytest.fail)
    table = pd.read_csv(tmp_path / "T.csv")
    assert result["rows"] == len(table) > 10
    assert len(result["selected"]) == 3
    assert "not independent" in result["notes"][0]
    assert {"nucleus_solidity", "nucleus_density_red"} < set(table)


def test_features_that_fail_are_1(refused, tmp_path, many):
    out = ("--out", tmp_path / "T.csv")
    assert str(tmp_path / "gone") in refused(1, "features", tmp_path / "gone", *out)
    assert "is a folder" in refused(1, "features", many, "--out", tmp_path)
    shutil.copytree(many, tmp_path / "in")
    path = tmp_path / "in" / "MM" / "MM_2.bmp"
    path.write_bytes(path.read_bytes()[:999])
    assert "MM_2.bmp is cut off" in refused(1, "features", tmp_path / "in", *out, "--strict")


def test_train_and_predict(call, refused, tmp_path, many):
    bundle = tmp_path / "b.marrow"
    tokens = ("--model", "naive-bayes", "--out", bundle, *QUICK)
    status, out, err = call("train", many, *tokens)
    assert status == 0, err
    assert f"Bundle: {bundle}" in out
    assert "features were chosen by chi-square" in out
    status, out, _ = call("train", many, *tokens, "--json")
    result = json.loads(out, parse_constant=pytest.fail)
    assert (status, out.count("\n"), result["history"]) == (0, 1, [])
    judged = pd.read_csv(bundle / "heldout.csv")
    assert result["evaluation"]["units"] == len(judged) >= 2
    status, out, _ = call("predict", bundle, many, "--out", tmp_path / "p.csv")
    assert status == 0
    right = pd.read_csv(tmp_path / "p.csv")
    assert (right["class"] == [i.split("/")[0] for i in right["image"]]).mean() >= 0.8
    (bundle / "features.csv").unlink()
    out = ("--out", tmp_path / "q.csv")
    assert "features.csv is missing" in refused(1, "predict", bundle, many, *out)


def test_train_on_one_class(refused, tmp_path, many):
    out = ("--out", tmp_path / "b.marrow", "--model", "svm")
    shutil.copytree(many / "ALL", tmp_path / "in" / "ALL")
    assert "holds only the class ALL" in refused(1, "train", tmp_path / "in", *out)


def test_compare(call, tmp_path, many):
    out = tmp_path / "c"
    tokens = ("--models", "naive-bayes,decision-tree", "--folds", 3, "--protocol", "both", *QUICK)
    status, said, err = call("compare", many, "--out", out, *tokens)
    assert status == 0, err
    table = pd.read_csv(out / "comparison.csv")
    for row in table.to_dict("records"):
        (line,) = (
            words for words in map(str.split, said.splitlines())
            if words[:2] == [row["model"], row["protocol"]]
        )  # fmt: skip
        names = ("balanced_accuracy", "accuracy")
        shown = [(f"{row[name]:.3f}", f"({row[f'{name}_spread']:.2f})") for name in names]
        assert line[2:6] == [*shown[0], *shown[1]]
        assert line[-1] == f"{row['parameters']:,}"
    assert "Chance is an accuracy of 0.50" in said
    honest, paper = (table[table["protocol"] == x] for x in ("honest", "paper"))
    for one, other in zip(honest.to_dict("records"), paper.to_dict("records"), strict=True):
        scores = one["balanced_accuracy"], other["balanced_accuracy"]
        line = [f"{x:.3f}" for x in scores] + [f"{scores[1] - scores[0]:+.3f}"]
        assert [one["model"], *line] in [words.split() for words in said.splitlines()]
    assert f"10 units of 10 sources, 3 folds; report in {out}." in said
    assert "can make scores too good" in said


def test_compare_with_groups_as_json(call, refused, tmp_path, many):
    rows = [(f"{c}_{k}", f"slide {(k + 1) // 2}") for c in ("ALL", "MM") for k in range(1, 6)]
    groups = pd.DataFrame(rows, columns=["image", "source"])
    groups.to_csv(tmp_path / "g.csv", index=False)
    tokens = ("--models", "naive-bayes", "--groups", tmp_path / "g.csv", *QUICK)
    status, said, _ = call(
        "compare", many, "--out", tmp_path / "c", *tokens, "--folds", 3, "--json"
    )
    assert (status, said.count("\n")) == (0, 1)
    result = json.loads(said, parse_constant=pytest.fail)
    assert result["sources"] == 3
    answers = pd.read_csv(tmp_path / "c" / "predictions.csv")
    assert dict(zip(answers["source"], answers["fold"], strict=True)).keys() == set(
        groups["source"]
    )
    assert (answers.groupby("source")["fold"].nunique() == 1).all()
    said = refused(1, "compare", many, "--out", tmp_path / "d", *tokens, "--folds", 4)
    assert "has 3 sources of its own, too few for 4 folds" in said


def test_a_comparison_of_acquisitions_for_people(call, many, tmp_path):
    """Found by the audit, they go with nothing here: the photographs are of two sizes."""
    shutil.copytree(many, tmp_path / "in")
    for path in sorted((tmp_path / "in").rglob("*_[123]*.bmp")):
        with Image.open(path) as image:
            image.crop((0, 0, 40, 40)).save(path)
    tokens = ("--by", "acquisition", "--models", "naive-bayes,logistic", *QUICK)
    status, said, _ = call("compare", tmp_path / "in", "--out", tmp_path / "c", *tokens)
    assert status == 0
    assert "on each acquisition" in said
    assert "Too few to tell: ALL has 2 acquisitions" in said


def row(model="svm", seconds=0.5, few=None, **others):
    """A row of a comparison of two models in one protocol."""
    estimates = {"balanced_accuracy": (0.8, 0.1), "accuracy": (0.9, 0.05), **others}
    metrics = {name: Score(score, 0.1, 0.95, 0.5) for name, (score, _) in estimates.items()}
    spread = {name: spread for name, (_, spread) in estimates.items()}
    scored = Evaluation(metrics, [[2, 0], [0, 2]], ("ALL", "MM"), "ALL", 4, 4, 1.0)
    scored = replace(scored, few_sources=few or {})
    return ModelResult(model, "honest", scored, spread=spread, fit_seconds=seconds, parameters=1234)


def test_a_comparison_for_people(capsys):
    print_comparison([row(f1=(0.8, None)), row("dcnn", 125.4)])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    names = ["balanced_accuracy", "accuracy", "f1"]
    scores = ["0.800", "(0.10)", "0.900", "(0.05)"]
    assert lines[0] == ["model", "protocol", *names, "fit", "numbers"]
    assert lines[1] == ["svm", "honest", *scores, "0.800", "0.5", "s", "1,234"]
    assert lines[2] == ["dcnn", "honest", *scores, "-", "125", "s", "1,234"]
    assert np.all(["e+" not in word for line in lines for word in line])
    few = row(few={"ALL": 5})
    print_comparison([few, few])
    assert capsys.readouterr().out.count("Too few to tell: ALL has 5 sources") == 1


def test_controls_are_printed_whether_they_alarm_or_not(capsys):
    score = Score(0.6, 0.4, 0.8, 0.5)
    well = replace(score, low=0.55)
    print_controls(
        [
            Control.of_score("background", "the background", score, {}),
            Control.of_score("colour", "mean colours", well, {}),
            Control.of_score("shape", "outlines", well, {"MM": 3}),
        ]
    )
    assert capsys.readouterr().out.splitlines() == [
        "Control, the background: balanced accuracy 0.60 (0.40 to 0.80), not clearly above chance.",
        "Control, mean colours: balanced accuracy 0.60 (0.55 to 0.80), above chance.",
        "Control, outlines: balanced accuracy 0.60 (too few to tell).",
    ]


def test_help_names_the_commands(call):
    assert {"features", "compare"} <= set(call("--help")[1].split())
    for command, options in (
        ("features", ("--families", "--unit", "--select", "--out")),
        ("compare", ("--models", "--folds", "--protocol", "--groups", "--out")),
    ):
        said = call(command, "--help")[1]
        assert all(option in said for option in options)
