"""Bundles that somebody altered on purpose, and sealed anew, are refused in a sentence."""

import json
import os
import pickle
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.adaptation.photographs import N_MEASURED, SIZE, PhotographModel
from napari_marrow.learning.adaptation.reference import PictureSummary, Reference
from napari_marrow.learning.bundles import sealed
from napari_marrow.learning.bundles.bundle import load_bundle
from napari_marrow.learning.bundles.info import BundleInfo
from napari_marrow.learning.bundles.sealed import sha256
from napari_marrow.learning.confidence.conformal import ClassModel, Conformal
from napari_marrow.learning.settings import Preprocessing
from tampering import IMAGE, refused, seal


class Evil:
    def __reduce__(self):
        return (pytest.fail, ("it was executed",))


@pytest.mark.parametrize("name", ["model.onnx", "weights.safetensors", "reference.safetensors"])
def test_a_pickle_under_another_name_is_not_opened(toy, name):
    (toy.path / name).write_bytes(pickle.dumps(Evil()))
    files = json.loads((toy.path / "bundle.json").read_text())["files"]
    seal(toy.path, files={x: sha256(toy.path / x) for x in {*files, name}})
    if name == "weights.safetensors":  # prediction does not look at it
        with pytest.raises(MarrowError, match=name):
            load_bundle(toy.path).read(name, safetensors.numpy.load)
        return
    refused(toy.path, name)


@pytest.mark.parametrize("name", ["model.onnx", "heldout.csv", "bundle.json"])
def test_a_link_in_place_of_a_file_is_refused(toy, tmp_path, name):
    elsewhere = tmp_path / "elsewhere"
    (toy.path / name).rename(elsewhere)
    (toy.path / name).symlink_to(elsewhere)
    if name != "bundle.json":
        seal(toy.path)
    refused(toy.path, rf"{name} is a link")


@pytest.mark.parametrize("is_link", [True, False])
@pytest.mark.parametrize("name", ["card.md", "reference.safetensors", "features.csv"])
def test_a_file_that_is_not_listed_is_not_read(toy, tmp_path, name, is_link):
    (tmp_path / "elsewhere").write_text("of another person")
    if is_link:
        (toy.path / name).symlink_to(tmp_path / "elsewhere")
    else:
        (toy.path / name).write_text("of another person")
    refused(toy.path, rf"{name} is (a link|not one of the files)")


def test_what_people_add_for_themselves_is_left_alone(toy):
    (toy.path / "notes.txt").write_text("good")
    load_bundle(toy.path)


@pytest.mark.parametrize("name", ["bundle.json", "model.onnx", "extra"])
def test_a_pipe_in_place_of_a_file_is_not_waited_for(toy, name):
    listed = json.loads((toy.path / "bundle.json").read_text())["files"]
    if name == "extra":
        seal(toy.path, files=listed | {"extra": "0" * 64})
    (toy.path / name).unlink(missing_ok=True)
    os.mkfifo(toy.path / name)
    refused(toy.path, rf"{name} is no file")
    assert name not in sealed.bundle_files(toy.path)


def test_a_linked_folder_in_a_bundle_is_refused(toy, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.png").write_bytes(b"x")
    (toy.path / "figures").symlink_to(tmp_path / "elsewhere")
    files = json.loads((toy.path / "bundle.json").read_text())["files"]
    seal(toy.path, files=files | {"figures/a.png": sha256(toy.path / "figures" / "a.png")})
    refused(toy.path, r"figures/a\.png is a link")


@pytest.mark.parametrize("name", ["../outside.csv", "/etc/hostname"])
def test_names_that_lead_outside_are_refused(toy, name):
    (toy.path.parent / "outside.csv").write_text("x")
    files = json.loads((toy.path / "bundle.json").read_text())["files"]
    seal(toy.path, files=files | {name: "0" * 64})
    refused(toy.path, "names a file outside of it")


@pytest.mark.parametrize(
    ("part", "values", "match"),
    [
        ("settings", {"input_size": 10**6}, "Input size is 1000000"),
        ("settings", {"tiles": 10**5}, "Tiles is 100000"),
        ("preprocessing", {"input_size": 10**6}, "Input size is 1000000"),
        ("preprocessing", {"crop_factor": 1e9}, "Crop factor is 1"),
    ],
)
def test_oversized_shapes_are_refused_before_anything_is_cut(toy, part, values, match):
    content = json.loads((toy.path / "bundle.json").read_text())
    seal(toy.path, **{part: content[part] | values})
    refused(toy.path, match)


@pytest.mark.parametrize("schema", [99, True, 1.0, "1"])
def test_another_schema_is_refused(toy, schema):
    seal(toy.path, schema=schema)
    refused(toy.path, "is not a bundle of schema 1")


@pytest.mark.parametrize("depth", [990, 200_000])
def test_a_description_of_nested_lists_is_a_sentence(toy, depth):
    deep = '{"format": "napari-marrow bundle", "schema": 1, "x": ' + "[" * depth + "]" * depth + "}"
    (toy.path / "bundle.json").write_text(deep)
    refused(toy.path, r"bundle\.json (can't be read as JSON|was altered)")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "\ud800", "."])
def test_a_name_that_no_file_can_have_is_a_sentence(toy, name):
    files = json.loads((toy.path / "bundle.json").read_text())["files"]
    seal(toy.path, files=files | {name: "0" * 64})
    refused(toy.path, r"is (missing|no file); copy the whole bundle")


ACQUISITION = {
    "name": "1", "units": {"ALL": 3}, "centre": [0.0], "spread": [1.0], "members": [],
    "photograph": [0.0] * 9,
}  # fmt: skip
CONFIDENCE = {
    "temperature": 1.0, "abstain_below": 0.6, "units": 50, "coverage": 1.0, "error": 0.0,
    "max_error": 0.05, "smallest_group": 50,
}  # fmt: skip
CONFOUNDING = {"properties": ["camera"], "cramers_v": 0.9, "p_value": 0.01}
HUGE = 10**400


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("classes", value) for value in ([], ["ALL"], ["ALL", "ALL"], [1, 2], None, 3)),
        *(("features", value) for value in ([["area"]], ["area", "area"], [None], 3)),
        *(("fingerprints", value) for value in (None, 3, [], "x", {"a": 1})),
        *(("files", value) for value in ([["model.onnx", "x"]], 3, "x")),
        *(("confidence.temperature", value) for value in (0, -1, float("nan"), 1e308, HUGE, "x")),
        *(("confidence.abstain_below", value) for value in (-1, float("nan"), 1e9, None)),
        *(("confidence.coverage", value) for value in (-1, float("nan"), 2)),
        *(("confidence.max_error", value) for value in (0, 5e-324, -1, float("nan"), 2)),
        *(("preprocessing.families", value) for value in ([[1]], [None], "colour", 3)),
        *(("settings.families", value) for value in ([[1]], 3, ["x"])),
        *(("acquisition.centre", value) for value in ([], [0, 0], [float("nan")], [HUGE], None)),
        *(("acquisition.spread", value) for value in ([], [0], [-1], [1e-300], [float("inf")])),
        *(("acquisition.units", value) for value in ({"ALL": -3}, {"ALL": None}, 3)),
        *(("acquisition.photograph", value) for value in ([], [0] * 8, [float("nan")] * 9, {})),
    ],
)
def test_values_that_no_training_writes_are_refused(toy, name, value):
    content = json.loads((toy.path / "bundle.json").read_text())
    assert BundleInfo.from_dict(content | {"acquisitions": [ACQUISITION]}).check() is None
    part, _, key = name.partition(".")
    if part == "acquisition":
        content["acquisitions"] = [ACQUISITION | {key: value}]
    elif key:
        content[part][key] = value
    else:
        content[part] = value
    content["seal"] = sealed.seal(content)
    (toy.path / "bundle.json").write_text(json.dumps(content))
    with pytest.raises(MarrowError, match=r"bundle\.json was altered or is incomplete"):
        load_bundle(toy.path)


SCORE = {"estimate": 0.8, "low": 0.6, "high": 0.9, "chance": 0.5}
EVALUATION = {
    "metrics": {"accuracy": SCORE}, "confusion": [[4, 1], [1, 4]], "classes": ["ALL", "MM"],
    "positive": "ALL", "units": 10, "sources": 4, "design_effect": 1.5, "few_sources": {},
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"evaluation": EVALUATION | {"metrics": {}}}, "accuracy"),
        ({"evaluation": EVALUATION | {"metrics": {"accuracy": SCORE | {"estimate": "x"}}}}, "esti"),
        ({"evaluation": EVALUATION | {"metrics": {"accuracy": SCORE | {"chance": None}}}}, "chan"),
        ({"evaluation": EVALUATION | {"confusion": 3}}, "confusion"),
        ({"notes": [5]}, "notes"),
        ({"split": {"train": "a"}}, "split"),
        ({"versions": {"python": 3}}, "versions"),
        ({"classes": ["ALL", "\ud800"]}, "names"),
        ({"classes": ["ALL", "M\x1b[2JM"]}, "names"),
        ({"settings": {"model": "svm"}}, "svm"),
    ],
)
def test_what_is_shown_of_a_model_has_the_right_types(toy, changes, match):
    settings = json.loads((toy.path / "bundle.json").read_text())["settings"]
    seal(toy.path, evaluation=EVALUATION)
    load_bundle(toy.path)
    if "settings" in changes:
        changes = {"settings": settings | changes["settings"]}
    seal(toy.path, **changes)
    refused(toy.path, rf"bundle\.json was altered or is incomplete .*{match}")


@pytest.mark.parametrize(
    "changes",
    [
        {"elsewhere": CONFIDENCE | {"max_error": 0}},
        {"observed": [ACQUISITION | {"units": {"ALL": -3}}]},
        {"confounding": CONFOUNDING | {"cramers_v": float("nan")}},
        {"confounding": CONFOUNDING | {"p_value": -1}},
        {"confounding": CONFOUNDING | {"properties": []}},
    ],
)
def test_numbers_of_what_may_be_missing_are_checked_too(toy, changes):
    seal(toy.path, elsewhere=CONFIDENCE, observed=[ACQUISITION], confounding=CONFOUNDING)
    load_bundle(toy.path)
    seal(toy.path, **changes)
    refused(toy.path, r"altered or is incomplete \(its .*out of range")


NAN = float("nan")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"metrics": {"accuracy": SCORE | {"estimate": NAN}}}, "accuracy"),
        ({"metrics": {"accuracy": SCORE | {"low": -1e308}}}, "accuracy"),
        ({"metrics": {"accuracy": SCORE, "recall": SCORE | {"high": 1.1}}}, "recall"),
        ({"metrics": {"accuracy": SCORE, "recall": SCORE | {"chance": -0.5}}}, "recall"),
        ({"metrics": {"accuracy": SCORE, "mcc": SCORE | {"low": -1.1}}}, "mcc"),
        ({"colour_only": SCORE | {"estimate": NAN}}, "colour_only"),
        ({"confusion": [[1]]}, "confusion"),
        ({"confusion": [[1, 2], [3]]}, "confusion"),
        ({"confusion": [[4, 1], [-1, 4]]}, "number"),
        ({"units": -5}, "number"),
        ({"sources": -3}, "number"),
        ({"few_sources": {"ALL": -1}}, "number"),
        ({"design_effect": 0}, "design effect"),
        ({"design_effect": NAN}, "design effect"),
        ({"classes": ["ALL", "zz"]}, "other classes"),
        ({"classes": ["zz"], "confusion": [[1]]}, "other classes"),
        ({"positive": "qq"}, "positive"),
    ],
)
def test_scores_that_no_evaluation_gives_are_refused(toy, changes, match):
    lowest = SCORE | {"low": -1, "chance": 0}
    seal(toy.path, evaluation=EVALUATION | {"metrics": {"accuracy": SCORE, "mcc": lowest}})
    load_bundle(toy.path)
    seal(toy.path, evaluation=EVALUATION | changes)
    refused(toy.path, rf"bundle\.json was altered or is incomplete .*{match}")


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "class,source\nALL,a\nXX,b\n"])
def test_a_table_by_which_sources_are_counted_is_checked(toy, content):
    """Of version 0.1, which did not store their number."""
    older = {name: value for name, value in EVALUATION.items() if name != "few_sources"}
    (toy.path / "heldout.csv").write_text("class,source\nALL,a\nMM,b\n")
    seal(toy.path, evaluation=older)
    assert load_bundle(toy.path).info.evaluation.few_sources == {"ALL": 1, "MM": 1}
    (toy.path / "heldout.csv").write_text(content)
    seal(toy.path)
    refused(toy.path, r"heldout\.csv can't be read")


def test_a_kind_of_a_newer_version_is_named_whatever_it_has(toy):
    """Its acquisitions may be of other values than those of kinds that are known."""
    seal(toy.path, kind="transformer", acquisitions=[ACQUISITION | {"centre": [0.0] * 9}])
    refused(toy.path, "kind transformer, which is not known here")


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00image"])
def test_a_table_of_something_else_is_a_sentence(toy, content):
    (toy.path / "heldout.csv").write_bytes(content)
    seal(toy.path, fingerprints={"a.png": "0" * 64})
    bundle = load_bundle(toy.path)
    with pytest.raises(MarrowError, match=r"heldout\.csv can't be read"):
        bundle.side_of(bundle.predictor.predict(IMAGE), {"0" * 64})


def reference():
    """One of two photographs, as a training stores it."""
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (40, 50, 3)).astype(np.uint8) for _ in range(2)]
    sizes = Preprocessing("field", 32, 1, 2.0)
    summaries = [PictureSummary.of(x, np.ones(x.shape[:2], int), sizes) for x in images]
    names = ["a", "b"]
    made = Reference.of_summaries(summaries, names, [True, True], ["m", "m"], ["ALL", "MM"])
    values = rng.normal(size=(12, 16))
    model = ClassModel.fit(values, np.arange(12) % 2)
    return made.with_conformal(Conformal(model, (np.ones(6), np.ones(6)), 0.1))


CUTS = {
    "missing": lambda values: None,
    "no rows": lambda values: values[:0],
    "a row too many": lambda values: np.concatenate([values, values[:1]]),
    "flat": lambda values: values.reshape(1, -1, 1),
    "of bytes": lambda values: values.astype(bool),
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(
    "name", ["signatures", "whitening", "limit", "class_centres", "class_whitening", "class_sizes"]
)
def test_a_reference_that_was_cut_is_a_sentence(toy, name, cut):
    arrays = safetensors.numpy.load(reference().to_bytes())
    files = json.loads((toy.path / "bundle.json").read_text())["files"]
    path = toy.path / "reference.safetensors"
    listed = {"fingerprints": {"a.png": "0" * 64, "b.png": "1" * 64}}

    def write(arrays):
        path.write_bytes(safetensors.numpy.save(arrays))
        seal(toy.path, files={x: sha256(toy.path / x) for x in {*files, path.name}}, **listed)

    write(arrays)
    load_bundle(toy.path).predictor.predict(IMAGE)
    changed = CUTS[cut](arrays[name])
    write({k: v for k, v in (arrays | {name: changed}).items() if v is not None})
    refused(toy.path, r"reference\.safetensors can't be read")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_reference_of_no_numbers_is_a_sentence(value):
    made = reference()
    for name in ("whitening", "limit", "class_centres", "class_scores"):
        with pytest.raises(ValueError, match=name):
            replace(made, **{name: np.full_like(getattr(made, name), value)}).checked(2, 2)


PHOTOGRAPH_FLOATS = [
    f"photograph_{name}" for name in ("centres", "limits", "batch_limits", "mixed_deviations")
]


def without_size():
    """What takes the variance of the size out of a covariance."""
    kept = np.ones((N_MEASURED, N_MEASURED), np.float32)
    kept[SIZE, SIZE] = 0
    return kept


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("class_sizes", lambda values: values.astype(float)),
        ("class_centres", lambda values: values.astype(np.int8)),
        *((name, lambda values: values * np.nan) for name in PHOTOGRAPH_FLOATS),
        ("photograph_limits", lambda values: values * 0),
        ("photograph_limits", lambda values: -values),
        ("photograph_batch_limits", lambda values: values * 0 - 1),
        ("photograph_mixed_deviations", lambda values: values * 0 - 1),
        ("photograph_covariances", lambda values: values * without_size()),
        ("photograph_sources", lambda values: values * 0),
        ("photograph_covariances", lambda values: values * 0),
        ("photograph_covariances", lambda values: np.full_like(values, 3e38)),
        ("photograph_covariances", lambda values: values * np.nan),
        ("photograph_covariances", lambda values: np.triu(values)),
        ("photograph_covariances", lambda values: values.astype(np.float16)),
    ],
)
def test_a_reference_that_can_not_be_computed_with_is_a_sentence(name, change):
    rng = np.random.default_rng(0)
    measured = rng.normal(100, 10, (8, N_MEASURED)).astype(np.float32)
    measured[:, 1] += measured[:, 0]
    sources, classes = np.array([*"abcdefgh"]), np.array([*"xyxyxyxy"])
    model = PhotographModel.of_photographs(measured, sources, classes)
    made = reference().with_photograph_models([model])
    assert made.checked(2, 2) is made
    with pytest.raises(ValueError, match=name):
        replace(made, **{name: change(getattr(made, name))}).checked(2, 2)


def test_what_could_not_be_measured_of_any_photograph_is_a_number_in_a_reference():
    """Of photographs without nuclei nothing is measured of these."""
    measured = np.random.default_rng(0).normal(5, 1, (8, N_MEASURED)).astype(np.float32)
    measured[:, 3:8] = np.nan
    models = [
        PhotographModel.of_photographs(measured[:n], np.array([*"abcdefgh"])[:n], np.full(n, "x"))
        for n in (1, 2, 8)
    ]
    made = reference().with_photograph_models(models)
    assert made.checked(2, 2) is made


def test_a_description_of_gigabytes_is_not_read(toy, monkeypatch):
    with open(toy.path / "bundle.json", "r+b") as file:
        file.truncate(sealed.MAX_JSON_BYTES + 1)  # a hole: it takes no place on the disk
    refused(toy.path, r"bundle\.json is too large")
