"""No output of a command replaces a file that was read, or one of the user's own."""

import os
import shutil
from dataclasses import replace

import pandas as pd
import pytest
from PIL import Image

from napari_marrow.data.errors import EditedResultError
from napari_marrow.data.layouts import scan
from napari_marrow.data.outputs import check_outputs
from napari_marrow.data.samples import sample_folder
from napari_marrow.jobs.demo import DEMO, SETTINGS
from napari_marrow.jobs.predict import PredictJob, run_prediction
from napari_marrow.learning.bundles.sealed import sha256
from napari_marrow.report.page import write_page

QUICK = ("--families", "histogram", "--model", "naive-bayes", "--select", 5)


@pytest.fixture
def photographs(tmp_path, draw):
    """A folder of PNG photographs with a table of their classes, as people have them."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    rows = ["image,class"]
    for class_name in ("ALL", "MM"):
        for k in (1, 2):
            image, _ = draw(class_name, k)
            Image.fromarray(image).save(folder / f"{class_name}_{k}.png")
            rows.append(f"{class_name}_{k}.png,{class_name}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


FORCED = pytest.mark.parametrize("force", [(), ("--force",)], ids=["", "force"])


@FORCED
def test_overlays_never_replace_photographs(refused, toy, photographs, tmp_path, force):
    out = ("--out", tmp_path / "p.csv", *force)
    said = refused(1, "predict", toy.path, photographs, "--overlay", photographs, *out)
    assert "ALL_1.png" in said
    (tmp_path / "link").symlink_to(photographs)
    for spelling in (tmp_path / "link", photographs / ".." / "photographs"):
        said = refused(1, "predict", toy.path, photographs, "--overlay", spelling, *out)
        assert "ALL_1.png" in said


@FORCED
@pytest.mark.parametrize("name", ["ALL_1.png", "labels.csv"])
@pytest.mark.parametrize("spelling", ["plain", "dots", "symlink", "hard link", "linked folder"])
def test_no_table_replaces_what_is_read(refused, toy, photographs, tmp_path, name, spelling, force):
    read = photographs / name
    out = {
        "plain": read,
        "dots": photographs / ".." / photographs.name / name,
        "symlink": tmp_path / "link.csv",
        "hard link": tmp_path / "link.csv",
        "linked folder": tmp_path / "linked" / name,
    }[spelling]
    if spelling == "symlink":
        out.symlink_to(read)
    elif spelling == "hard link":
        os.link(read, out)
    elif spelling == "linked folder":
        out.parent.symlink_to(photographs)
    assert out.name in refused(1, "predict", toy.path, photographs, "--out", out, *force)
    assert out.name in refused(1, "features", photographs, "--out", out, *force)


@FORCED
def test_no_table_of_scores_replaces_a_file_of_the_user(refused, photographs, tmp_path, force):
    (tmp_path / "T.scores.csv").write_text("student,score\nAda,1\n")
    said = refused(1, "features", photographs, "--out", tmp_path / "T.csv", *force)
    assert "T.scores.csv" in said


@FORCED
def test_a_folder_in_the_place_of_a_file(refused, toy, photographs, tmp_path, force):
    (tmp_path / "p.csv").mkdir()
    out = ("--out", tmp_path / "p.csv", *force)
    assert "p.csv is a folder" in refused(1, "predict", toy.path, photographs, *out)
    assert "p.csv is a folder" in refused(1, "features", photographs, *out)
    (tmp_path / "o" / "ALL_1.png").mkdir(parents=True)
    out = ("--out", tmp_path / "q.csv", "--overlay", tmp_path / "o", *force)
    assert "ALL_1.png is a folder" in refused(1, "predict", toy.path, photographs, *out)


@FORCED
def test_files_of_a_bundle_are_read_too(refused, toy, photographs, force):
    out = ("--out", toy.path / "heldout.csv", *force)
    assert "heldout.csv" in refused(1, "predict", toy.path, photographs, *out)


def test_two_outputs_of_one_name(refused, toy, photographs, tmp_path):
    out = ("--out", tmp_path / "ALL_1.png", "--overlay", tmp_path)
    assert "ALL_1.png" in refused(1, "predict", toy.path, photographs, *out)


def test_older_results_are_replaced(call, refused, toy, photographs, tmp_path):
    tokens = (toy.path, photographs, "--out", tmp_path / "p.csv", "--overlay", tmp_path / "o")
    for _ in range(2):
        status, _, err = call("predict", *tokens)
        assert status == 0, err
        status, _, err = call("features", photographs, "--out", tmp_path / "T.csv")
        assert status == 0, err
    # a table in which somebody has worked since, and a picture that may be anybody's
    table = pd.read_csv(tmp_path / "p.csv").assign(remark="mine")
    table.to_csv(tmp_path / "p.csv", index=False, sep=";")
    assert "p.csv" in (said := refused(1, "predict", *tokens))
    assert "--force" in said
    assert call("predict", *tokens, "--force")[0] == 0
    assert "remark" not in (tmp_path / "p.csv").read_text()
    shutil.copy(photographs / "ALL_2.png", tmp_path / "o" / "ALL_1.png")
    for force in ((), ("--force",)):
        assert "ALL_1.png" in refused(1, "predict", *tokens, *force)


@FORCED
def test_segment_never_replaces_masks(refused, photographs, draw, force):
    _, mask = draw("ALL", 1)
    Image.fromarray(mask).save(photographs / "ALL_1_nuclei.png")
    said = refused(1, "segment", photographs, "--out", photographs, *force)
    assert "ALL_1_nuclei.png" in said


def test_segment_replaces_its_own_labels_only_when_told(call, refused, photographs, tmp_path):
    tokens = ("segment", photographs, "--out", tmp_path / "labels")
    assert call(*tokens)[0] == 0
    assert "nuclei" in refused(1, *tokens)
    assert call(*tokens, "--force")[0] == 0
    Image.new("L", (9, 9)).save(tmp_path / "labels" / "MM_2_nuclei.png")
    assert "MM_2_nuclei.png" in refused(1, *tokens, "--force")


@pytest.fixture
def bundle(call, photographs, tmp_path):
    """A small trained model."""
    out = tmp_path / "m.marrow"
    status, _, err = call("train", photographs, "--out", out, *QUICK)
    assert status == 0, err
    return out


def test_train_replaces_a_bundle_but_nothing_else_in_it(call, refused, photographs, bundle):
    tokens = ("train", photographs, "--out", bundle, *QUICK)
    assert call(*tokens)[0] == 0
    (bundle / "card.md").write_text("mine")
    assert "card.md" in (said := refused(1, *tokens))
    assert "--force" in said
    assert call(*tokens, "--force")[0] == 0
    assert (bundle / "card.md").read_text() != "mine"
    (bundle / "figures" / "for the talk.png").write_text("drawn by hand")
    for force in ((), ("--force",)):
        assert "for the talk.png" in refused(1, *tokens, *force)


@FORCED
@pytest.mark.parametrize("name", ["report.html", "predictions.csv", "screenshot.png"])
def test_a_demonstration_with_files_of_the_user_stays(refused, demonstration, name, force):
    (demonstration / name).write_text("mine")
    assert name in refused(1, "demo", demonstration, *force)


@FORCED
def test_a_folder_with_parts_of_a_demonstration_stays(
    refused, photographs, bundle, toy, tmp_path, call, force
):
    """A model or answers of the user's own, under the names that a demonstration gives."""
    out = tmp_path / "d2"
    shutil.copytree(bundle, out / "sample.marrow")
    assert "d2" in refused(1, "demo", out, *force)
    answers = ("--out", out / "predictions.csv", "--overlay", out / "overlays")
    assert call("predict", toy.path, photographs, *answers)[0] == 0
    assert "d2" in refused(1, "demo", out, *force)
    shutil.rmtree(out / "sample.marrow")
    assert "d2" in refused(1, "demo", out, *force)


@FORCED
def test_a_model_trained_into_a_demonstration_stays(refused, bundle, demonstration, force):
    """The folder is complete, but the model is not of the sample data."""
    check_outputs({demonstration: DEMO})
    shutil.rmtree(demonstration / "sample.marrow")
    shutil.copytree(bundle, demonstration / "sample.marrow")
    assert "sample.marrow" in refused(1, "demo", demonstration, *force)


@FORCED
@pytest.mark.parametrize("change", [{"seed": 2}, {"epochs": 9}])
def test_a_model_of_the_sample_data_with_other_settings_stays(
    make_demonstration, refused, tmp_path, change, force
):
    out = make_demonstration(tmp_path / "other", replace(SETTINGS, **change))
    assert "sample.marrow" in refused(1, "demo", out, *force)


def test_an_edited_demonstration_is_replaced_when_told(demonstration):
    card = demonstration / "sample.marrow" / "history.csv"
    card.write_text(card.read_text() + "mine")
    with pytest.raises(EditedResultError, match=r"history\.csv"):
        check_outputs({demonstration: DEMO})
    check_outputs({demonstration: DEMO}, force=True)


@pytest.fixture
def make_demonstration(make_toy):
    """A function that writes a folder as ``demo`` does, without a training."""

    def make(out, settings):
        sample = scan(sample_folder())
        digests = {f.name: sha256(f.path) for f in sample.fields}
        made = make_toy(out / "sample.marrow", settings=settings, fingerprints=digests)
        first = replace(sample, fields=sample.fields[:1])
        run_prediction(PredictJob(made, [first], out / "predictions.csv", out / "overlays"))
        write_page(out / "report.html", "sample", sample, made.info, [], [], [])
        return out

    return make


@pytest.fixture
def demonstration(make_demonstration, tmp_path):
    """A complete demonstration."""
    return make_demonstration(tmp_path / "demonstration", SETTINGS)


@FORCED
@pytest.mark.parametrize("kept", ["comparison.json", "predictions.csv", "comparison.csv"])
def test_a_folder_with_parts_of_a_comparison_stays(
    call, refused, photographs, tmp_path, kept, force
):
    out = tmp_path / "c"
    models = ("--models", "naive-bayes", "--families", "histogram", "--folds", 2)
    assert call("compare", photographs, "--out", out, *models)[0] == 0
    for path in out.iterdir():
        if path.is_file() and path.name not in (kept, "comparison.json"):
            path.unlink()
    assert str(out) in refused(1, "compare", photographs, "--out", out, *models, *force)


@FORCED
@pytest.mark.parametrize("gone", ["model.onnx", "heldout.csv", "bundle.json"])
def test_a_folder_with_parts_of_a_model_stays(refused, photographs, bundle, gone, force):
    (bundle / gone).unlink()
    assert str(bundle) in refused(1, "train", photographs, "--out", bundle, *QUICK, *force)


@FORCED
def test_train_does_not_replace_the_folder_of_its_groups(refused, photographs, bundle, force):
    groups = bundle / "heldout.csv"
    rows = "".join(f"{c}_{k}.png,p{k}\n" for c in ("ALL", "MM") for k in (1, 2))
    groups.write_text("image,source\n" + rows)
    tokens = ("--out", bundle, "--groups", groups, *QUICK)
    assert "heldout.csv" in refused(1, "train", photographs, *tokens, *force)


@FORCED
@pytest.mark.parametrize("command", ["train", "compare", "demo"])
def test_files_of_the_user_are_no_older_result(refused, photographs, tmp_path, command, force):
    """Their names alone do not make them the program's own."""
    out = tmp_path / "out"
    out.mkdir()
    for name in ("predictions.csv", "features.csv", "report.html"):
        (out / name).write_text("mine")
        tokens = () if command == "demo" else (photographs, "--out")
        assert str(out) in refused(1, command, *tokens, out, *force)
        (out / name).unlink()


@FORCED
def test_compare_replaces_its_own_folder_only(call, refused, photographs, tmp_path, force):
    out = tmp_path / "c"
    models = ("--models", "naive-bayes", "--families", "histogram", "--folds", 2)
    for _ in range(2):
        status, _, err = call("compare", photographs, "--out", out, *models)
        assert status == 0, err
    for name in ("notes.txt", "predictions.csv"):
        (out / name).write_text("mine")
        assert name in refused(1, "compare", photographs, "--out", out, *models, *force)
        (out / name).unlink()


def test_augment_only_makes_new_folders(refused, photographs, tmp_path):
    (tmp_path / "link").symlink_to(photographs)
    assert "photographs" in refused(1, "augment", photographs, tmp_path / "link" / "new")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    assert "out" in refused(1, "augment", photographs, tmp_path / "out")
