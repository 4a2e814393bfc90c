"""The command ``count``."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_marrow.learning.scores.evaluation import Evaluation
from napari_marrow.learning.scores.findings import DataSummary
from napari_marrow.learning.scores.results import EvaluationResult, ModelResult, to_json

GOLDEN = Path(__file__).parents[1] / "learning" / "bundles" / "golden" / "svm_schema1.marrow"


@pytest.fixture
def answers(tmp_path):
    """A table of predictions: 60 of 240 cells in eight photographs are MM."""
    table = pd.DataFrame({
        "image": [f"p{k % 2}/{k % 8}.png" for k in range(240)],
        "index": np.arange(240) + 1,
        "y": 1.5,
        "x": 2.5,
        "class": np.where(np.arange(240) < 60, "MM", "ALL"),
        "probability_ALL": 0.5,
        "probability_MM": 0.5,
        "uncertain": np.arange(240) % 60 == 0,
        "reason": np.where(np.arange(240) % 60 == 0, "low probability", ""),
    })  # fmt: skip
    path = tmp_path / "P.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture
def groups(tmp_path):
    path = tmp_path / "G.csv"
    rows = [f"{k}.png,patient {k % 2}" for k in range(8)]
    path.write_text("\n".join(["image,source", *rows]))
    return path


def test_count(call, answers):
    status, out, err = call("count", answers, "--class", "MM", "--cutoff", 10)
    assert status == 0, err
    assert out.startswith("MM: 25 % (")
    assert "above 10 % is shown" in out.splitlines()[0]
    assert "errors are not in it" in out
    assert "4 of the answers (1.7 %) are uncertain" in out
    assert "Research use only" in out


def test_count_with_the_errors_of_a_bundle(call, answers):
    status, out, _ = call("count", answers, "--class", "MM", "--bundle", GOLDEN, "--json")
    assert status == 0
    result = json.loads(out)
    # the golden bundle: 14 of 20 ALL and 22 of 25 MM right
    assert result["share"]["estimate"] == pytest.approx(max(0, (0.25 - 0.3) / (0.88 - 0.3)))
    assert result["is_adjusted"]
    assert any("too few held-out sources" in text for text in result["cautions"])


def test_count_with_the_errors_of_an_evaluation_in_another_acquisition(call, answers, tmp_path):
    table = pd.read_csv(answers).assign(uncertain=True, reason="other acquisition")
    table.to_csv(answers, index=False)
    assert "can't be trusted" in call("count", answers, "--class", "MM", "--bundle", GOLDEN)[1]
    scores = Evaluation({}, [[90, 10], [20, 80]], ("ALL", "MM"), "ALL", 200, 20, 1.0)
    data = DataSummary("labs", "cell", (), "photograph", 1)
    found = EvaluationResult("evaluate", (), data, (ModelResult("svm", "honest", scores),))
    path = tmp_path / "evaluation.json"
    path.write_text(to_json(found))
    status, out, _ = call("count", answers, "--class", "MM", "--evaluation", path)
    assert status == 0
    # Rogan and Gladen: (0.25 + 0.9 - 1) / (0.8 + 0.9 - 1)
    assert out.startswith("MM: 21 % (")
    assert "evaluation of labs: it must be of photographs made like these" in out


def test_shares_by_source_and_field_are_written(call, answers, groups, tmp_path):
    out = tmp_path / "counts.csv"
    tokens = ("--class", "MM", "--groups", groups, "--out", out)
    status, text, err = call("count", answers, *tokens)
    assert status == 0, err
    assert str(out) in text
    table = pd.read_csv(out, keep_default_na=False)
    assert list(table["cells"]) == [240, 120, 120, *[30] * 8]
    assert list(table["source"][:3]) == ["", "patient 0", "patient 1"]
    assert list(table["image"][:4]) == ["", "", "", "p0/0.png"]
    assert call("count", answers, *tokens)[0] == 0  # its own older result is replaced


@pytest.mark.parametrize(
    ("tokens", "says"),
    [
        (["P.csv"], "Class is empty"),
        (["P.csv", "--class", "MM", "--cutoff", "0"], "Cut-off is 0"),
        (["P.csv", "--class", "MM", "--bundle", "a", "--evaluation", "b"], "not both"),
    ],
    ids=["class", "cut-off", "both"],
)
def test_wrong_usage_is_2(refused, tokens, says):
    assert says in refused(2, "count", *tokens)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        ("", "no table of answers"),
        ("image,index,class,uncertain\n", "no column probability"),
        ("image,class\n1.png,MM\n", "no column index"),
        ("image,index,class,probability_MM,uncertain\n", "no row"),
        ("image,index,class,probability_MM,uncertain\n1.png,1,MM,1.0,perhaps\n", "True and False"),
        ("image,index,class,probability_MM,uncertain\n1.png,1,,1.0,False\n", "without a class"),
        ("image,index,class,probability_MM,uncertain\n1.png,1,MM,high,False\n", "'high'"),
        ("image,index,class,probability_MM,uncertain\n1.png,1,MM,,False\n", "no probability"),
        ("image,index,class,probability_MM,uncertain\n1.png,1,MM,nan,False\n", "no probability"),
        ("image,index,class,probability_MM,uncertain\n1.png,1,MM,5,False\n", "5.*no probability"),
        ("image,index,class,probability_MM,uncertain\n1.png,1,MM,-1,False\n", "-1.*no probability"),
        ("image,index,class,probability_MM,uncertain\n1.png,a,MM,1.0,False\n", "in index"),
        (
            "image,index,class,probability_MM,uncertain\n1.png,1,MM,1,False\n2.png,0,MM,1,False\n",
            "whole photograph 2.png",
        ),
        (
            "image,index,class,probability_ALL,probability_MM,uncertain\n1.png,1,MM,0.9,0.1,False\n",
            "the answer MM for cell 1 of 1.png",
        ),
        (
            "image,index,class,source,predicted,probability_MM,uncertain\n1.png,1,MM,a,MM,1,False\n",
            "given classes",
        ),
        ("image,index,class,source,fold,predicted,probability_MM\n", "given classes"),
        ("image,index,class,probability_MM,uncertain\n1.png,-1,MM,1.0,False\n", "in index"),
        (
            "image,index,class,probability_MM,uncertain\n" + 2 * "1.png,7,MM,1.0,False\n",
            "cell 7 of 1.png twice",
        ),
        (
            "image,index,class,probability_MM,uncertain\n" + 2 * "1.png,0,MM,1.0,False\n",
            "has 1.png twice",
        ),
        ("image,index,class,probability_MM,uncertain\n1.png,1,MM,1.0,False\n", "AML"),
    ],
)
def test_other_tables_are_refused(refused, tmp_path, content, says):
    path = tmp_path / "P.csv"
    if content is not None:
        path.write_text(content)
    message = refused(1, "count", path, "--class", "AML")
    assert re.search(says, message)
    assert "P.csv" in message or says == "AML"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("image,class\n1.png,MM\n", "columns image and source"),
        ("image,source\n0.png,a\n", "no source of"),
        ("image,source\n" + "".join(f"{k}.png,a\n{k}.png,b\n" for k in range(8)), "two sources"),
    ],
)
def test_other_groups_are_refused(refused, answers, tmp_path, content, says):
    path = tmp_path / "G.csv"
    path.write_text(content)
    message = refused(1, "count", answers, "--class", "MM", "--groups", path)
    assert says in message
    assert "G.csv" in message


def test_the_table_that_is_read_is_not_replaced(refused, answers):
    assert "P.csv" in refused(1, "count", answers, "--class", "MM", "--out", answers)
