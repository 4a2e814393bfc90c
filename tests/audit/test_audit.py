"""The audit: masks by their pixels, sources in two classes, and the whole."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from napari_marrow.audit.audit import audit
from napari_marrow.data.fields import Collection, Field, with_groups
from napari_marrow.data.layouts import scan


def files(findings):
    return [set(finding.files) for finding in findings]


def test_a_renamed_black_and_white_mask_is_found(put, found, drawn):
    put("ALL/a.bmp")
    put("ALL/b.bmp", index=2)
    nuclei = drawn("ALL", 3).nuclei > 0
    put("ALL/c.bmp", change=lambda _: np.repeat(nuclei[..., None] * np.uint8(255), 3, axis=2))
    put("ALL/d.jpg", change=lambda _: nuclei * np.uint8(255), quality=85)
    kinds = found()
    assert files(kinds.pop("mask-as-image")) == [{"ALL/c.bmp", "ALL/d.jpg"}]
    assert kinds == {}


@pytest.mark.parametrize("kind", ["nuclei", "background"])
def test_a_renamed_mask_over_a_copy_of_its_photograph_is_found(put, found, drawn, kind):
    """The encoding of SN-AM that "black elsewhere" misses."""
    field = drawn("ALL", 1)
    mask = field.nuclei > 0 if kind == "nuclei" else (field.nuclei + field.cytoplasm) == 0
    put("ALL/a.bmp")
    put("ALL/b.bmp", index=2)
    put("ALL/c.png", change=lambda i: np.where(mask[..., None], 255, np.minimum(i, 254)))
    kinds = found()
    (finding,) = kinds.pop("mask-as-image")
    assert finding.files == ("ALL/c.png",)
    assert "ALL/c.png (of ALL/a.bmp)" in finding.sentence
    assert kinds == {}  # and it is no copy besides


def _overexposed(image):
    return (image * 1.8).clip(0, 255).astype(np.uint8)


def test_overexposed_photographs_are_no_masks(put, found):
    for number in (1, 2, 4):
        path = put(f"ALL/{number}.bmp", index=number, change=_overexposed)
        white = (np.asarray(Image.open(path)) == 255).all(axis=2).mean()
        assert 0.1 < white < 0.95, "the picture is no test of it"
    shutil.copy(path, path.with_name("copy of it.bmp"))
    assert found().keys() == {"duplicate"}


def test_a_renamed_mask_over_a_copy_of_an_overexposed_photograph_is_found(put, found, drawn):
    """The photograph's own white is one level darker in it."""
    mask = drawn("ALL", 1).nuclei[..., None] > 0
    put("ALL/a.bmp", change=_overexposed)
    put("ALL/b.bmp", change=lambda i: np.where(mask, 255, np.minimum(_overexposed(i), 254)))
    (finding,) = found()["mask-as-image"]
    assert finding.files == ("ALL/b.bmp",)


def test_a_photograph_is_not_taken_for_the_mask_of_its_mask(put, found, drawn):
    """In a mask over a copy, the photograph's own white is 254."""
    small = np.zeros(drawn("ALL", 1).nuclei.shape, bool)
    small[60:66, 60:90] = True
    put("ALL/a.bmp", change=_overexposed)
    put(
        "ALL/b.bmp",
        change=lambda i: np.where(small[..., None], 255, np.minimum(_overexposed(i), 254)),
    )
    assert not any("ALL/a.bmp" in names for names in files(found().get("mask-as-image", [])))


def test_cells_cut_out_on_black_are_no_masks(put, found, drawn):
    for number in (1, 2, 3):
        cell = drawn("ALL", number).nuclei > 0
        put(
            f"ALL/{number}.bmp", index=number, change=lambda i, c=cell: np.where(c[..., None], i, 0)
        )
    assert found() == {}


def test_a_source_in_two_classes_is_found(put, tmp_path):
    for name, class_name, number in (("ALL/1", "ALL", 1), ("ALL/2", "ALL", 2), ("MM/3", "MM", 3)):
        put(f"{name}.bmp", class_name, number)
    table = tmp_path / "groups.csv"
    table.write_text("image,source\n1.bmp,patient 1\n2.bmp,patient 2\n3.bmp,patient 1\n")
    told = audit(with_groups(scan(tmp_path / "in"), table)).findings
    (finding,) = [f for f in told if f.kind == "source-in-two-classes"]
    assert finding.files == ("ALL/1.bmp", "MM/3.bmp")
    assert "patient 1" in finding.sentence


@pytest.mark.parametrize(
    ("classes", "is_right"), [("blast normal", True), ("L1 B", True), ("AML Healthy", False)]
)
def test_a_patient_with_cells_of_two_kinds_is_no_error_but_one_with_two_diagnoses_is(
    put, tmp_path, classes, is_right
):
    for number in range(1, 5):
        for k, class_name in enumerate(classes.split()):
            put(f"Patient {number % 2}/{class_name}/{number}{k}.bmp", "ALL", 2 * number + k)
    told = audit(scan(tmp_path / "in")).findings
    told = [f for f in told if f.kind == "source-in-two-classes"]
    assert len(told) == (1 if is_right else 2)
    assert all(("Patient 0 (" in f.sentence) == is_right for f in told)
    assert {len(f.files) for f in told} == ({8} if is_right else {4})


def test_fewer_than_five_sources_are_too_few(put, tmp_path):
    for number in range(1, 6):
        put(f"ALL/{number}.bmp", "ALL", number)
        put(f"MM/{min(number, 4)}{'_rotate90' * (number == 5)}.bmp", "MM", number)
    told = [f for f in audit(scan(tmp_path / "in")).findings if f.kind == "too-few"]
    assert [f.files for f in told] == [("MM/1.bmp", "MM/2.bmp", "MM/3.bmp", "MM/4.bmp")]
    assert "MM has too few sources, 4 " in told[0].sentence


def test_the_audit_is_json_and_the_same_every_time(batches):
    collection, _ = batches(True)
    first, second = (json.dumps(audit(collection).to_dict(), allow_nan=False) for _ in range(2))
    assert first == second
    values = json.loads(first)
    assert values["findings"][0]["kind"] == "acquisition-with-class"
    assert values["acquisitions"]["count"] == 3
    assert values["acquisitions"]["table"] == {"ALL": [5, 5, 0], "MM": [0, 0, 10]}


def test_damaged_files_are_passed_over(put, found):
    put("ALL/a.bmp")
    path = put("ALL/b.bmp", index=2)
    path.write_bytes(path.read_bytes()[:1000])
    put("ALL/c.png", index=3).write_bytes(b"no picture")
    put("ALL/d.bmp", change=np.rot90)
    kinds = found()
    assert files(kinds["near-duplicate"]) == [{"ALL/a.bmp", "ALL/d.bmp"}]


def test_a_file_that_went_away_is_passed_over(put, tmp_path):
    put("ALL/a.bmp")
    gone = put("ALL/b.bmp", index=2)
    collection = scan(tmp_path / "in")
    gone.unlink()
    assert [f.files for f in audit(collection).findings] == [("ALL/a.bmp",)]


def test_nothing_to_look_at_is_no_error(tmp_path):
    result = audit(Collection(tmp_path, ()))
    assert result.findings == ()
    assert result.acquisitions.files == ()
    json.dumps(result.to_dict())


def test_only_a_sample_of_a_large_file_is_looked_at(tmp_path, monkeypatch):
    """256 x 256 pixels of 2560 x 1920; the view itself is never taken whole."""
    from napari_marrow.audit import image_summary

    seen = []
    original = image_summary.white_point
    monkeypatch.setattr(
        image_summary, "white_point", lambda s: [seen.append(s.shape), original(s)][1]
    )
    (tmp_path / "ALL").mkdir()
    pixels = np.random.default_rng(0).integers(0, 250, (1920, 2560, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "ALL" / "1.bmp")
    collection = scan(tmp_path)
    audit(collection)
    assert seen == [(128, 128, 3)]


@pytest.mark.real
@pytest.mark.parametrize(
    "folder", ["all-idb2", "segpc/images", "cnmc/fold_0", "snam-thumbnails", "wbc-dataset1"]
)
def test_no_false_alarm_on_real_photographs(real_data, folder):
    """None of these 271 photographs is a mask or a copy of another; the PNGs of the last are."""
    collection = scan(real_data / folder)
    if folder == "wbc-dataset1":
        bmp = tuple(f for f in collection.fields if f.path.suffix == ".bmp")
        collection = replace(collection, fields=bmp)
    kinds = {finding.kind for finding in audit(collection).findings}
    assert not kinds & {"mask-as-image", "duplicate", "near-duplicate", "source-in-two-classes"}


@pytest.mark.real
def test_real_masks_are_recognised(real_data):
    patterns = {"all-idb2-masks": "*/*.tif", "wbc-dataset1": "*.png", "segpc/cell_masks": "*.jpg"}
    for folder, count in (("all-idb2-masks", 130), ("wbc-dataset1", 100), ("segpc/cell_masks", 14)):
        paths = sorted((real_data / folder).glob(patterns[folder]))
        fields = tuple(Field(path, path.stem, path.stem) for path in paths)
        collection = Collection(real_data / folder, fields)
        told = [f for f in audit(collection).findings if f.kind == "mask-as-image"]
        assert sum(len(f.files) for f in told) == count, folder


@pytest.mark.parametrize(
    "change",
    [lambda i: i * 0, lambda i: i * 0 + 255, lambda i: i * 0 + np.uint8([200, 180, 170]),
     lambda i: i[:1, :1], lambda i: i[:3, :40]],
    ids=["black", "white", "one colour", "one pixel", "a strip"],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["png", "bmp", "jpg"])
def test_pictures_that_show_nothing_are_named_and_not_learnt_from(put, found, change, ending):
    root = put("ALL/a.bmp").parents[1]
    put(f"ALL/b.{ending}", index=2, change=change)
    put("ALL/c.bmp", index=3, change=lambda i: i // 4)  # dark, and no blank one
    (finding,) = found()["blank"]
    assert finding.files == (f"ALL/b.{ending}",)
    audited = audit(scan(root))
    assert [f.path.name for f in audited.collection.fields] == ["a.bmp", "c.bmp"]
    assert finding.sentence in audited.sentences
