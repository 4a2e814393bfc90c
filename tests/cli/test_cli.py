"""The command line: exit codes, one line an error, one JSON object, nothing half-written."""

import importlib.util
import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from shapely.geometry import shape

from napari_marrow import __version__
from napari_marrow.audit.verdict import Confounding
from napari_marrow.data.errors import MarrowError
from napari_marrow.jobs.compare import ComparisonResult
from napari_marrow.jobs.devices import Devices
from napari_marrow.jobs.train import TrainingResult
from napari_marrow.learning.onnx.engines import ENGINES
from napari_marrow.learning.scores.evaluation import Evaluation, Score
from napari_marrow.learning.scores.findings import DataSummary
from napari_marrow.learning.scores.results import EvaluationResult, ModelResult


@pytest.mark.parametrize(
    ("tokens", "says"),
    [
        (["nonsense"], "nonsense"),
        (["scan"], "FOLDER"),
        (["scan", "x", "--bogus"], "--bogus"),
        (["train", "x"], "--out"),
        (["train", "x", "--out", "y", "--epochs", "many"], "many"),
        (["train", "x", "--out", "y", "--epochs", "0"], "Epochs is 0; it must be at least 1."),
        (["train", "x", "--out", "y", "--heldout", "0.9"], "Held out is 0.9"),
        (["train", "x", "--out", "y", "--heldout", "nan"], "Held out is nan"),
        (["train", "x", "--out", "y", "--model", "resnet"], "resnet"),
        (["train", "x", "--out", "y", "--unit", "slide"], "slide"),
        (["train", "x", "--out", "y", "--device", "tpu"], "tpu"),
        (["predict", "b.marrow", "--out", "p.csv"], "at least one photograph"),
        (["predict", "b.marrow", "x", "--out", "p.csv", "--workers", "0"], "worker"),
        (["predict", "b.marrow", "x"], "--out"),
        (["phantom", "x", "--size", "big"], "WIDTHxHEIGHT"),
        (["phantom", "x", "--fields", "1"], "Fields is 1"),
        (["phantom", "x", "--fields", "3.5"], "'3.5' is not a whole number"),
        (["phantom", "x", "--crossed", "--confounded"], "one of the two"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_2(refused, tokens, says):
    assert says in refused(2, *tokens)


def test_scan_for_people(call, snam):
    status, out, err = call("scan", snam)
    assert status == 0
    assert "Scanned 6 fields" in err
    assert "6 fields of 6 sources; masks: 6 background, 6 nucleus." in out


def test_scan_as_json(call, snam):
    status, out, _ = call("scan", snam, "--json")
    result = json.loads(out)
    assert status == 0
    assert out.count("\n") == 1
    assert result["classes"] == {"ALL": 3, "MM": 3}
    assert result["masks"] == {"background": 6, "nucleus": 6}
    assert result["sources"] == 6
    assert [f["name"] for f in result["fields"]][:2] == ["ALL_1", "ALL_2"]


def test_scan_shows_warnings(call, tmp_path, make_snam):
    root = make_snam(tmp_path / "in", 2)
    (root / "ALL" / "ALL_2.bmp").unlink()
    _, out, _ = call("scan", tmp_path / "in")
    assert "! Masks without their photograph, left out: ALL_2_" in out


def test_scan_of_damaged_photographs_only_is_1(refused, tmp_path):
    (tmp_path / "ALL").mkdir()
    (tmp_path / "ALL" / "a.bmp").write_bytes(b"BM")
    assert "a.bmp can't be read" in refused(1, "scan", tmp_path)


def test_scan_shows_what_the_audit_finds(call, tmp_path, make_snam):
    root = make_snam(tmp_path / "in", 2)
    turned = Image.open(root / "ALL" / "ALL_1.bmp").transpose(Image.Transpose.ROTATE_180)
    turned.save(root / "MM" / "MM_9.bmp")
    status, out, _ = call("scan", tmp_path / "in")
    assert status == 0
    assert "! IN TWO CLASSES, ALL and MM: ALL/ALL_1.bmp and MM/MM_9.bmp are one picture" in out
    assert "\nWhether the class goes with the acquisition can't be said" in out
    audited = json.loads(call("scan", tmp_path / "in", "--json")[1])["audit"]
    kinds = {f["kind"]: f["files"] for f in audited["findings"]}
    assert kinds["near-duplicate"] == ["ALL/ALL_1.bmp", "MM/MM_9.bmp"]
    assert audited["acquisitions"]["p_value"] is None


@pytest.mark.parametrize("kind", ["missing", "empty", "text"])
def test_scan_of_nothing_is_1(refused, tmp_path, kind):
    folder = tmp_path / "in"
    if kind == "empty":
        folder.mkdir()
    elif kind == "text":
        folder.write_text("x")
    assert str(folder) in refused(1, "scan", folder)


@pytest.fixture
def own(tmp_path, make_snam):
    return make_snam(tmp_path / "data", 2)


FAST = ("--epochs", 1, "--input-size", 32, "--device", "cpu")


def test_train_on_an_empty_folder(refused, tmp_path):
    (tmp_path / "in").mkdir()
    said = refused(1, "train", tmp_path / "in", "--out", tmp_path / "m.marrow", *FAST)
    assert "holds no photograph" in said


def test_train_on_one_class(refused, tmp_path, own):
    shutil.rmtree(own / "MM")
    said = refused(1, "train", own, "--out", tmp_path / "m.marrow", *FAST)
    assert "holds only the class ALL" in said


@pytest.mark.parametrize(
    "names", [["stray.bmp"], ["test/1.bmp", "test/2.bmp"], ["unsorted/a.bmp", "test/a.bmp"]]
)
def test_train_passes_over_fields_without_class(call, tmp_path, make_snam, names):
    own = make_snam(tmp_path / "own", 2, wrapped=False)
    for k, name in enumerate(names):
        (own / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (64, 48), (200, 50 * k, 0)).save(own / name)
    out, count = tmp_path / "m.marrow", f"{len(names)} field{'s' * (len(names) > 1)}"
    status, said, _ = call("train", own, "--out", out, "--model", "naive-bayes")
    assert status == 0
    assert f"{count} without a class left out: {', '.join(sorted(names))}" in said
    assert f"{count} without a class left out" in (out / "card.md").read_text()
    assert json.loads((out / "bundle.json").read_text())["classes"] == ["ALL", "MM"]


@pytest.mark.parametrize("damage", ["truncated", "huge"])
def test_train_on_a_damaged_photograph(refused, tmp_path, own, damage):
    path = own / "ALL" / "ALL_1.bmp"
    content = bytearray(path.read_bytes())
    if damage == "huge":
        content[18:26] = (100_000).to_bytes(4, "little") * 2
    path.write_bytes(content if damage == "huge" else content[:99])
    said = refused(1, "train", own, "--out", tmp_path / "m.marrow", "--strict", *FAST)
    assert "ALL_1.bmp is cut off or damaged" in said


def test_train_with_a_mask_of_another_size(refused, tmp_path, own):
    Image.new("RGB", (8, 6)).save(own / "MM" / "MM_1_background_mask.bmp")
    said = refused(1, "train", own, "--out", tmp_path / "m.marrow", "--strict", *FAST)
    assert "MM_1_background_mask.bmp is 8x6 and its photograph 64x48" in said


def test_train_never_deletes_what_is_not_a_bundle(refused, tmp_path, own):
    (tmp_path / "m.marrow").mkdir()
    (tmp_path / "m.marrow" / "thesis.txt").write_text("years of work")
    said = refused(1, "train", own, "--out", tmp_path / "m.marrow", *FAST)
    assert "thesis.txt" in said


def test_train_with_bad_groups(refused, tmp_path, own):
    (tmp_path / "g.csv").write_text("image,source\nALL_1,p1\n")
    out = tmp_path / "m.marrow"
    said = refused(1, "train", own, "--out", out, "--groups", tmp_path / "g.csv", *FAST)
    assert "no row for ALL/ALL_2.bmp" in said


def test_train_without_permission(refused, tmp_path, own, monkeypatch):
    def refuse(dir, prefix, **_):
        raise PermissionError(13, "Permission denied", str(dir / f"{prefix}x"))

    monkeypatch.setattr("napari_marrow.data.atomic.tempfile.mkdtemp", refuse)
    said = refused(1, "train", own, "--out", tmp_path / "m.marrow", *FAST)
    assert "gives no permission" in said


@pytest.mark.parametrize(
    ("model", "option", "value"),
    [("svm", "--epochs", "5"), ("logistic", "--device", "cpu"), ("dcnn", "--select", "9")],
)
def test_an_option_that_the_model_does_not_use_is_reported(
    call, monkeypatch, tmp_path, own, model, option, value
):
    def stop(job, emit):
        raise MarrowError("far enough")

    monkeypatch.setattr("napari_marrow.jobs.train.run_training", stop)
    tokens = ("train", own, "--model", model, "--out", tmp_path / "m.marrow")
    status, _, err = call(*tokens, option, value)
    assert status == 1
    assert f"Not used by {model}: {option}." in err
    used = {"svm": "--select", "logistic": "--select", "dcnn": "--batch-size"}[model]
    assert "Not used" not in call(*tokens, used, 9)[2]


def test_help_groups_the_options_by_kind_of_model(call):
    for command in ("train", "compare"):
        _, out, _ = call(command, "--help")
        common, rest = out.split("Classical models", 1)
        classical, networks = rest.split("Networks", 1)
        assert "--seed" in common
        assert "--epochs" in networks
        assert "--families" in classical


def test_groups_and_options_reach_the_job(call, tmp_path, own, monkeypatch):
    jobs = []

    def run_training(job, emit):
        jobs.append(job)
        return TrainingResult(job.out, None, ("A note.",), (), (), "cpu:0", ("ALL", "MM"))

    monkeypatch.setattr("napari_marrow.jobs.train.run_training", run_training)
    rows = "".join(f"{c}_{k},patient {k}\n" for c in ("ALL", "MM") for k in (1, 2))
    (tmp_path / "g.csv").write_text("image,source\n" + rows)
    options = ["--unit", "cell", "--seed", "7", "--learning-rate", "0.01", "--no-balance"]
    status, out, _ = call(
        "train", own, "--out", tmp_path / "m", "--groups", tmp_path / "g.csv", *options, *FAST
    )
    assert status == 0
    settings = jobs[0].settings
    assert (settings.unit, settings.seed, settings.learning_rate) == ("cell", 7, 0.01)
    assert (settings.epochs, settings.balance, settings.device) == (1, False, "cpu")
    assert {f.source for f in jobs[0].collection.fields} == {"patient 1", "patient 2"}
    assert "Not measured: nothing was held out." in out
    assert "A note." in out
    assert "Research use only" in out


def test_predict(call, tmp_path, toy, snam):
    status, out, _ = call("predict", toy.path, snam, "--out", tmp_path / "p.csv")
    assert status == 0
    assert "6 fields: " in out
    assert "Research use only, never diagnosis." in out
    assert len(pd.read_csv(tmp_path / "p.csv")) == 6


def test_what_the_data_cannot_show_is_in_the_first_line(call, tmp_path, make_toy, own, monkeypatch):
    confounding = Confounding(("camera",), 1.0, 1e-9)
    first = "Class and camera go together in "
    toy = make_toy(tmp_path / "toy.marrow", confounding=confounding)
    assert call("predict", toy.path, own, "--out", tmp_path / "p.csv")[1].startswith(first)

    def run_training(job, emit):
        return TrainingResult(job.out, None, (), (), (), "cpu:0", ("ALL", "MM"), confounding)

    def run_comparison(job, emit):
        said = (confounding.before_score("a score"), "Another sentence.")
        scores = {"accuracy": Score(1, 0.5, 1, 0.5)}
        scored = Evaluation(scores, [[2, 0], [0, 2]], ("ALL", "MM"), "ALL", 4, 4, 1.0)
        row = ModelResult("svm", "honest", scored, spread={"accuracy": 0})
        data = DataSummary("set", "field", (), "photograph", 0)
        found = EvaluationResult("compare", said, data, (row,), confounding=confounding)
        return ComparisonResult(job.out, found, 4, 4, 2)

    monkeypatch.setattr("napari_marrow.jobs.train.run_training", run_training)
    monkeypatch.setattr("napari_marrow.jobs.compare.run_comparison", run_comparison)
    for command in ("train", "compare"):
        out = call(command, own, "--out", tmp_path / command)[1]
        assert out.startswith(first)
        assert out.count(first) == 1
        result = json.loads(call(command, own, "--out", tmp_path / command, "--json")[1])
        assert result["confounding"]["cramers_v"] == 1
        assert result["verdict"][0].startswith(first)


def test_predict_as_json_with_overlays(call, tmp_path, toy, snam):
    photograph = snam / "PKG - SN-AM" / "MM" / "MM_1.bmp"
    status, out, _ = call(
        "predict", toy.path, snam, photograph, "--out", tmp_path / "p.csv", "--json",
        "--overlay", tmp_path / "o", "--workers", 2,
    )  # fmt: skip
    result = json.loads(out)
    assert status == 0
    # the photograph that is named is in the folder too, and counts once
    assert result["rows"] == len(result["fields"]) == 6
    assert set(result["fields"][0]) == {"image", "class", "probability", "uncertain", "reason"}
    table = pd.read_csv(tmp_path / "p.csv")
    assert [f["class"] for f in result["fields"]] == table["class"].tolist()
    assert len(list((tmp_path / "o").glob("*.png"))) == 6


def test_predict_writes_each_cell_of_its_table_as_geojson(call, tmp_path, make_toy, snam):
    bundle, out = make_toy(tmp_path / "c.marrow", unit="cell"), tmp_path / "cells"
    status, _, _ = call("predict", bundle.path, snam, "--out", tmp_path / "p.csv", "--geojson", out)
    assert status == 0
    table = pd.read_csv(tmp_path / "p.csv", keep_default_na=False)
    assert len([*out.iterdir()]) == table["image"].nunique() == 6
    for image, own in table.groupby("image"):
        content = json.loads((out / f"{Path(image).stem}.geojson").read_text())
        for feature, (_, row) in zip(content["features"], own.iterrows(), strict=True):
            nucleus, cell = (shape(feature[x]) for x in ("nucleusGeometry", "geometry"))
            assert (nucleus.centroid.y - 0.5, nucleus.centroid.x - 0.5) == pytest.approx(
                (row["y"], row["x"]), abs=1e-9
            )
            assert cell.contains(nucleus)
            properties = feature["properties"]
            measured = properties["measurements"]
            assert properties["classification"]["name"] == row["class"]
            assert measured["index"] == row["index"]
            assert measured["area_px"] == nucleus.area
            assert measured["probability_ALL"] == pytest.approx(row["probability_ALL"], abs=1e-9)
            assert measured["uncertain"] == row["uncertain"]


def test_whole_photographs_are_not_written_as_geojson(call, tmp_path, toy, snam):
    status, _, error = call(
        "predict", toy.path, snam, "--out", tmp_path / "p.csv", "--geojson", tmp_path / "cells"
    )
    assert status == 1
    assert "GeoJSON" in error
    assert not (tmp_path / "p.csv").exists()
    assert not (tmp_path / "cells").exists()


def test_predict_where_there_is_no_cell_is_still_json(call, tmp_path, make_toy):
    bundle = make_toy(tmp_path / "c.marrow", unit="cell")
    Image.new("RGB", (64, 48), (230, 230, 230)).save(tmp_path / "blank.png")
    status, out, _ = call(
        "predict", bundle.path, tmp_path / "blank.png", "--out", tmp_path / "p.csv", "--json"
    )
    assert status == 0
    (field,) = json.loads(out, parse_constant=pytest.fail)["fields"]
    answer = {"image": "blank", "class": None, "probability": None}
    assert field == {**answer, "uncertain": True, "reason": "no nucleus"}


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda b: (b / "model.onnx").unlink(), "model.onnx is missing"),
        (lambda b: (b / "history.csv").write_text("x"), "history.csv was altered"),
        (lambda b: (b / "bundle.json").write_text("{"), "can't be read as JSON"),
        (lambda b: (b / "bundle.json").write_text("{}"), "is not a bundle"),
        (
            lambda b: (b / "bundle.json").write_text(
                (b / "bundle.json").read_text().replace('"temperature": 1.0', '"temperature": 9.0')
            ),
            "bundle.json was altered",
        ),
        (shutil.rmtree, "is not there"),
    ],
)
def test_predict_with_a_bad_bundle(refused, tmp_path, toy, snam, damage, says):
    damage(toy.path)
    said = refused(1, "predict", toy.path, snam, "--out", tmp_path / "p.csv")
    assert says in said


def test_predict_bad_photograph_and_outputs(refused, tmp_path, toy, snam):
    (tmp_path / "bad.bmp").write_bytes(b"BM")
    (tmp_path / "file").write_text("x")
    out = ("--out", tmp_path / "p.csv")
    assert "bad.bmp can't be read" in refused(1, "predict", toy.path, tmp_path / "bad.bmp", *out)
    assert "is a folder" in refused(1, "predict", toy.path, snam, "--out", tmp_path)
    below = refused(1, "predict", toy.path, snam, "--out", tmp_path / "file" / "p.csv")
    assert "part of that path is a file" in below
    overlay = ("--overlay", tmp_path / "file")
    assert "choose a folder" in refused(1, "predict", toy.path, snam, *out, *overlay)


def test_a_fault_of_ours_is_one_line_and_debug_shows_it(refused, call, monkeypatch, snam):
    def broken(*_):
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr("napari_marrow.data.layouts.scan", broken)
    said = refused(1, "scan", snam)
    assert "unexpected ZeroDivisionError: by zero; run it again with --debug" in said
    status, _, err = call("scan", snam, "--debug")
    assert status == 1
    assert "Traceback" in err


def test_interrupted(refused, monkeypatch, snam):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_marrow.data.layouts.scan", interrupted)
    assert refused(1, "scan", snam) == "napari-marrow: Stopped; nothing was written.\n"


def test_help_names_every_command_and_option(call):
    status, out, _ = call("--help")
    assert status == 0
    for command in ("info", "scan", "phantom", "train", "predict", "demo", "--json", "--debug"):
        assert command in out
    assert "Research use only, never diagnosis." in " ".join(out.split())
    _, out, _ = call("train", "--help")
    for option in ("--model", "--unit", "--epochs", "--protocol", "--seed", "--device", "--groups"):
        assert option in out


def test_info_names_the_engines_and_what_is_not_installed(call, monkeypatch):
    there = Devices(["cpu:0"], "tensorflow", "No GPU was found.", [])
    monkeypatch.setattr("napari_marrow.jobs.devices.devices", lambda: there)
    gone = replace(ENGINES["openvino"], is_installed=lambda: False)
    monkeypatch.setitem(ENGINES, "openvino", gone)
    status, out, _ = call("info", "--json")
    found = json.loads(out)
    assert status == 0
    assert found["engines"] == {"onnxruntime": f"ONNX Runtime {version('onnxruntime')}, CPU"}
    assert any("napari-marrow[openvino]" in text for text in found["engines_missing"])


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (None, "no other is installed"),
        ("onnxruntime", "onnxruntime: NAPARI_MARROW_ENGINE"),
        ("bogus", "bogus, which is no engine"),
        ("openvino", "openvino is not installed"),
    ],
)
def test_info_shows_how_the_engine_is_chosen(call, monkeypatch, named, words):
    there = Devices(["cpu:0"], "tensorflow", "No GPU was found.", [])
    monkeypatch.setattr("napari_marrow.jobs.devices.devices", lambda: there)
    for name in ("openvino", "cuda"):
        monkeypatch.setitem(ENGINES, name, replace(ENGINES[name], is_installed=lambda: False))
    monkeypatch.delenv("NAPARI_MARROW_ENGINE")
    if named:
        monkeypatch.setenv("NAPARI_MARROW_ENGINE", named)
    status, out, _ = call("info", "--json")
    assert status == 0
    assert words in json.loads(out)["engine_auto"]


@pytest.mark.parametrize(
    ("backend", "words"), [("bogus", "set it to tensorflow or jax"), ("jax", "marrow[jax]")]
)
def test_a_backend_that_is_not_there_is_one_sentence(
    shell, snam, tmp_path, monkeypatch, backend, words
):
    if importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is installed")
    monkeypatch.setenv("KERAS_BACKEND", backend)
    status, out, _ = shell(MODULE, "info", "--json")
    found = json.loads(out)
    assert status == 0
    assert words in found["text"]
    assert "numpy" in found["versions"]
    status, _, error = shell(MODULE, "train", str(snam), "--out", str(tmp_path / "never.marrow"))
    assert status == 1
    assert words in " ".join(error.split())
    assert "Traceback" not in error


INSTALLED = ("-c", "from napari_marrow.cli import main; main()")
MODULE = ("-m", "napari_marrow")


@pytest.fixture
def shell():
    """A function that runs a command in a process of its own: status, output and error output."""

    def shell(how, *tokens):
        command = [sys.executable, *how, *tokens]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.strip(), done.stderr

    return shell


@pytest.mark.parametrize("how", [INSTALLED, MODULE], ids=["installed", "module"])
def test_an_error_has_no_traceback_in_a_shell(shell, snam, how):
    status, _, error = shell(how, "scan", str(snam / "nowhere"))
    assert status == 1
    assert "nowhere" in error
    assert "Traceback" not in error


def test_from_a_shell(shell, snam):
    assert shell(MODULE, "--version") == (0, __version__, "")
    status, out, _ = shell(INSTALLED, "scan", str(snam), "--json")
    assert (status, len(json.loads(out)["fields"])) == (0, 6)


@pytest.mark.slow
def test_predict_with_the_trained_bundle(call, tmp_path, trained):
    folder = trained["folder"]
    status, out, _ = call(
        "predict", trained["bundle"], folder, "--out", tmp_path / "p.csv", "--json"
    )
    assert status == 0
    right = [f["class"] == f["image"].split("_")[0] for f in json.loads(out)["fields"]]
    assert sum(right) >= 0.9 * len(right)


def batches(folder):
    """Stain batches of each class of a simulated folder."""
    table = pd.read_csv(folder / "PKG - SN-AM" / "phantom.csv")
    return {name: set(rows["acquisition"]) for name, rows in table.groupby("class")}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--crossed"], {"ALL": {0, 1, 2, 3}, "MM": {0, 1, 2, 3}}),
        (["--confounded"], {"ALL": {0, 1}, "MM": {2, 3}}),
    ],
)
def test_phantom_with_stain_batches(call, tmp_path, options, expected):
    some = ["--fields", "8", "--size", "96x96", "--acquisitions", "4"]
    assert call("phantom", tmp_path, *some, *options)[0] == 0
    assert batches(tmp_path) == expected


def test_phantom_with_touching_nuclei(call, tmp_path):
    some = ["--fields", "2", "--size", "128x96", "--touching"]
    assert call("phantom", tmp_path, *some)[0] == 0
    truth = tmp_path / "PKG - SN-AM" / "truth"
    assert len(list(truth.rglob("*_nuclei.png"))) == 2
    assert json.loads(call("scan", tmp_path, "--json")[1])["classes"] == {"ALL": 1, "MM": 1}


def test_segment_writes_labels(call, refused, snam, tmp_path):
    out = tmp_path / "labels"
    status, told, err = call("segment", snam, "--out", out, "--largest", 5000, "--json")
    assert status == 0, err
    result = json.loads(told)
    assert len(result["fields"]) == 6
    assert result["nuclei"] == sum(f["nuclei"] for f in result["fields"]) > 0
    assert (out / "ALL_1_nuclei.png").is_file()
    assert "ALL_1_nuclei.png is there already" in refused(1, "segment", snam, "--out", out)
    assert "at least one photograph" in refused(2, "segment", "--out", out)
    low = refused(2, "segment", snam, "--out", tmp_path / "o", "--smallest", 9, "--largest", 8)
    assert "Largest is 8" in low


def test_asked_to_end_it_tidies_up(make_snam, tmp_path):
    """SIGTERM is as good as Ctrl-C: nothing half-written stays."""
    folder = make_snam(tmp_path / "data", 12, size=(480, 640), masks=False)
    command = [sys.executable, "-c", "from napari_marrow.cli import main; main()"]
    command += ["segment", folder, "--out", tmp_path / "out"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not list(tmp_path.glob("out/.*")):
        time.sleep(0.05)
    process.terminate()
    assert process.wait(30) == 1
    assert "Stopped; nothing was written." in process.stderr.read()
    assert not (tmp_path / "out").exists()
