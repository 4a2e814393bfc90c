"""The command evaluate: the verdict, a table and a report; or one JSON object."""

import json

import pytest


def test_the_verdict_comes_before_the_scores(call, tmp_path, toy, snam):
    out = tmp_path / "out"
    status, text, _ = call("evaluate", toy.path, snam, "--out", out)
    assert status == 0
    assert text.index("chance") < text.index("balanced accuracy  ")
    assert "answers that stand" not in text
    for line in ("Brier score", f"Report: {out / 'report.html'}", "Research use only"):
        assert line in text
    content = json.loads((out / "evaluation.json").read_text())
    assert content["data"]["name"] == "PKG - SN-AM"
    assert content["command"] == f"napari-marrow evaluate {toy.path} {quoted(snam)} --out out"


def quoted(folder):
    """The photographs' folder as a shell takes it."""
    return f"'{folder}/PKG - SN-AM'"


def test_json_has_each_metric_with_its_interval(call, tmp_path, toy, snam):
    table = tmp_path / "g.csv"
    images = sorted(p.stem for p in snam.rglob("*.bmp") if "mask" not in p.name)
    table.write_text("image,source\n" + "".join(f"{n},p {k // 2}\n" for k, n in enumerate(images)))
    options = ["--groups", table, "--adapt", "none", "--json"]
    status, text, _ = call("evaluate", toy.path, snam, "--out", tmp_path / "out", *options)
    assert status == 0
    content = json.loads(text, parse_constant=pytest.fail)
    accuracy = content["metrics"]["accuracy"]
    assert accuracy["low"] <= accuracy["estimate"] <= accuracy["high"]
    assert set(content["metrics"]) >= {"brier", "mcc", "auc", "average_precision"}
    assert (content["kind"], content["data"]["grouped_by"]) == ("evaluate", "g.csv")
    assert content["settings"]["adapt"] == "none"
    assert f"--groups {table}" in content["command"]
    assert content["models"][0]["evaluation"]["sources"] == 3


def test_a_cutoff_without_a_class_is_wrong_usage(refused, tmp_path, toy, snam):
    options = ["--out", tmp_path / "out", "--cutoff", 12]
    assert "Count is empty" in refused(2, "evaluate", toy.path, snam, *options)


def test_no_class_in_common_is_one_line(refused, tmp_path, toy, make_snam):
    """Blasts and others alone: the model of ALL and MM has no word for them."""
    own = make_snam(tmp_path / "data", 2)
    for old, new in (("ALL", "blast"), ("MM", "other")):
        (own / old).rename(own / new)
    said = refused(1, "evaluate", toy.path, own, "--out", tmp_path / "out")
    assert "none in common" in said
