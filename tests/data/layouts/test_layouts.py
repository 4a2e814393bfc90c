"""Folders become collections: SN-AM in every spelling, class folders, flat folders."""

import shutil

import pytest
from PIL import Image

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.layouts import natural_key, scan, scan_all


def put(folder, *names, size=(16, 12), content=None):
    """Write images, each of another colour, so that none is a copy of another."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        colour = tuple(hash_byte(f"{folder.name}/{name}", k) for k in range(3))
        Image.new("RGB", size, colour).save(folder / name)


def hash_byte(text, k):
    import hashlib

    return hashlib.sha256(text.encode()).digest()[k] % 250


@pytest.mark.parametrize("wrapped", [True, False])
def test_snam_with_and_without_its_folder(tmp_path, make_snam, wrapped):
    make_snam(tmp_path / "in", wrapped=wrapped)
    found = scan(tmp_path / "in")
    assert found.root == (tmp_path / "in" / "PKG - SN-AM" if wrapped else tmp_path / "in")
    assert found.counts() == {"ALL": 3, "MM": 3}
    assert [found.label(f) for f in found.fields[:2]] == ["ALL/ALL_1.bmp", "ALL/ALL_2.bmp"]
    assert all(set(f.masks) == {"nucleus", "background"} for f in found.fields)
    assert found.fields[0].masks["nucleus"].name == "ALL_1_nucleus_mask.bmp"
    assert found.warnings == ()


def test_both_spellings_and_every_name_in_circulation(tmp_path):
    published = ["ALL_1.bmp", "ALL_ref.bmp", "ALL_ALL_extra_images.bmp"]
    authors = ["25_ALL_5.bmp", "ref_ALL.bmp", "15_ALL.bmp"]
    put(tmp_path / "ALL", *published, *authors)
    put(tmp_path / "MM", "MM_5_also_ref_image.bmp", "5_also_ref_image_MM.bmp", "15_MM.bmp")
    masks = ["25_ALL_5_nucleus_mask.bmp", "ref_ALL_background_mask.bmp"]
    put(tmp_path / "ALL", *masks)
    put(tmp_path / "MM", "MM_5_also_ref_image_cyto_mask.bmp", "15_MM_nucleus_mask.bmp")
    found = scan(tmp_path)
    names = {f.path.name for f in found.fields}
    assert names == {*published, *authors} | {
        "MM_5_also_ref_image.bmp",
        "5_also_ref_image_MM.bmp",
        "15_MM.bmp",
    }
    by_name = {f.name: set(f.masks) for f in found.fields if f.masks}
    assert by_name == {
        "25_ALL_5": {"nucleus"},
        "ref_ALL": {"background"},
        "MM_5_also_ref_image": {"cytoplasm"},
        "15_MM": {"nucleus"},
    }
    assert len({f.source for f in found.fields}) == 9


def test_flat_folder_takes_the_class_from_the_name(tmp_path):
    put(tmp_path, "ALL_1.bmp", "25_ALL_5.bmp", "15_MM.bmp", "ALL_MM_1.bmp", "SMALL_1.bmp", "a.png")
    found = scan(tmp_path)
    classes = {f.name: f.class_name for f in found.fields}
    assert classes == {
        "ALL_1": "ALL",
        "25_ALL_5": "ALL",
        "15_MM": "MM",
        "ALL_MM_1": None,
        "SMALL_1": None,
        "a": None,
    }
    read, without = found.warnings
    assert "file names" in read
    assert "SN-AM" in read
    assert without == "Fields without a class: a, ALL_MM_1, SMALL_1."


def test_natural_order(tmp_path):
    put(tmp_path, "ALL_10.bmp", "ALL_2.bmp", "ALL_1.bmp", "all_3.bmp", "25_ALL_5.bmp")
    names = [f.name for f in scan(tmp_path).fields]
    assert names == ["25_ALL_5", "ALL_1", "ALL_2", "all_3", "ALL_10"]
    assert sorted(["b", "a10b", "a9"], key=natural_key) == ["a9", "a10b", "b"]


def test_masks_are_never_photographs(tmp_path):
    put(tmp_path / "ALL", "ALL_1.bmp", "ALL_1_nucleus_mask.bmp", "ALL_7_cyto_mask.bmp")
    put(tmp_path / "ALL", "ALL_1_mask.bmp", "mask_2.png")
    put(tmp_path / "MM", "MM_1.bmp", "MM_1_nuclei.png", "MM_1_background_mask.bmp")
    put(tmp_path / "masks", "ALL_1.bmp", "MM_1.bmp")
    put(tmp_path / "cell_masks", "1.png")
    found = scan(tmp_path)
    assert [f.name for f in found.fields] == ["ALL_1", "MM_1"]
    assert found.classes == ("ALL", "MM")
    told = " ".join(found.warnings)
    assert "without their photograph, left out: ALL_7_cyto_mask.bmp." in told
    assert told.count("ALL_1_mask.bmp") == told.count("mask_2.png") == 1
    assert "does not tell the kind: ALL/ALL_1_mask.bmp, ALL/mask_2.png; write nucleus_mask" in told
    assert "Folders of masks, left out: cell_masks, masks." in told


def test_fields_without_a_nucleus_mask_are_named(tmp_path):
    put(tmp_path / "ALL", "ALL_1.bmp", "ALL_2.bmp", "ALL_1_nucleus_mask.bmp")
    assert scan(tmp_path).warnings == ("Fields without a nucleus mask: ALL_2.",)


def test_stray_files_are_passed_over_and_counted(tmp_path):
    put(tmp_path / "ALL", "ALL_1.bmp", ".hidden.bmp")
    for name in ("Thumbs.db", "notes.pdf", "README.md", "groups.csv", ".DS_Store"):
        (tmp_path / "ALL" / name).write_text("x")
    put(tmp_path / ".trash", "ALL_9.bmp")
    (tmp_path / "empty").mkdir()
    found = scan(tmp_path)
    assert [f.name for f in found.fields] == ["ALL_1"]
    assert found.warnings == (
        "Passed over: 5 files that are not images: ALL/.DS_Store, ALL/.hidden.bmp, ALL/groups.csv, "
        "ALL/notes.pdf, ALL/Thumbs.db.",
    )


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("README.md", False), ("ReadMe", False), ("readme_first.txt", False),
        ("README-en.pdf", False),
        ("LICENSE", False), ("Licence.txt", False), ("LICENSE-CC-BY.md", False), ("COPYING", False),
        ("licensed.db", True), ("readmes.zip", True), ("readers.md", True), ("README.csv", True),
    ],
)  # fmt: skip
def test_texts_about_the_data_are_not_named(tmp_path, name, named):
    put(tmp_path / "ALL", "ALL_1.bmp")
    (tmp_path / "ALL" / name).write_text("Of two hospitals.\n")
    assert any(name in warning for warning in scan(tmp_path).warnings) == named


def test_derived_pictures_share_their_source(tmp_path):
    made = [
        "ALL_1_rotate90.bmp",
        "ALL_1_rotated-180_edges.bmp",
        "ALL_1-flip.bmp",
        "ALL_1_copy2.bmp",
    ]
    put(tmp_path / "ALL", "ALL_1.bmp", *made, "ALL_11.bmp")
    put(tmp_path / "MM", "ALL_1.bmp")
    found = scan(tmp_path)
    sources = {found.label(f): f.source for f in found.fields}
    assert {sources[f"ALL/{name}"] for name in ("ALL_1.bmp", *made)} == {"ALL/ALL_1"}
    assert sources["ALL/ALL_11.bmp"] == "ALL/ALL_11"
    assert sources["MM/ALL_1.bmp"] == "MM/ALL_1"  # the same name in another folder is another


def test_the_same_picture_twice_is_one_source(tmp_path):
    """Else it could be learnt from under one name and judged under another."""
    put(tmp_path / "ALL", "ALL_1.bmp", "ALL_2.bmp", "ALL_2_rotate90.bmp", size=(160, 120))
    shutil.copy(tmp_path / "ALL" / "ALL_2.bmp", tmp_path / "ALL" / "ALL_ref.bmp")
    found = scan(tmp_path)
    sources = {f.name: f.source for f in found.fields}
    assert sources["ALL_2"] == sources["ALL_ref"] == sources["ALL_2_rotate90"] != sources["ALL_1"]
    assert found.warnings == (
        "The same picture more than once, taken as one source: ALL_2.bmp, ALL_ref.bmp.",
    )


def test_copies_of_derived_pictures_join_all_their_sources(tmp_path):
    put(tmp_path / "ALL", "a.bmp", "a_edges.bmp", "b.bmp", "b_edges.bmp", "c.bmp", "d.bmp")
    folder = tmp_path / "ALL"
    shutil.copy(folder / "c.bmp", folder / "a.bmp")  # a = c
    shutil.copy(folder / "b_edges.bmp", folder / "a_edges.bmp")  # and a's edges = b's
    sources = {f.name: f.source for f in scan(tmp_path).fields}
    assert len({sources[n] for n in ("a", "a_edges", "b", "b_edges", "c")}) == 1
    assert sources["d"] == "ALL/d"


def test_odd_sizes_and_damaged_files_are_warned_of(tmp_path):
    put(tmp_path / "ALL", "ALL_1.bmp", "ALL_2.bmp", "ALL_3.bmp")
    put(tmp_path / "ALL", "ALL_1_nucleus_mask.bmp", "ALL_3_nucleus_mask.bmp", size=(8, 6))
    put(tmp_path / "ALL", "ALL_3.bmp", size=(8, 6))
    path = tmp_path / "ALL" / "ALL_2.bmp"
    path.write_bytes(path.read_bytes()[:80])
    found = scan(tmp_path)
    assert len(found.fields) == 3
    told = " ".join(found.warnings)
    assert "ALL_1_nucleus_mask.bmp is 8x6 and its photograph 16x12 pixels" in told
    assert f"{path} is cut off" in told
    assert "2 different sizes: 8x6 (1), 16x12 (1)." in told


def test_one_photograph_with_the_masks_beside_it(snam):
    path = snam / "PKG - SN-AM" / "MM" / "MM_2.bmp"
    found = scan(path)
    assert [(f.name, f.class_name) for f in found.fields] == [("MM_2", "MM")]
    assert set(found.fields[0].masks) == {"nucleus", "background"}
    assert found.label(found.fields[0]) == "MM_2.bmp"


def test_a_named_mask_is_refused_as_a_photograph(snam):
    with pytest.raises(MarrowError, match="is a mask by its name"):
        scan(snam / "PKG - SN-AM" / "MM" / "MM_2_nucleus_mask.bmp")


@pytest.mark.parametrize("kind", ["missing", "empty", "masks", "text"])
def test_nothing_to_find_is_one_sentence(tmp_path, kind):
    folder = tmp_path / "in"
    if kind == "empty":
        folder.mkdir()
    elif kind == "masks":
        put(folder / "ALL", "ALL_1_nucleus_mask.bmp")
    elif kind == "text":
        folder.write_text("x")
    with pytest.raises(MarrowError) as error:
        scan(folder)
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)


def test_no_permission_is_one_sentence(tmp_path, monkeypatch):
    put(tmp_path / "ALL", "ALL_1.bmp")
    monkeypatch.setattr("napari_marrow.data.layouts.os.access", lambda *_: False)
    with pytest.raises(MarrowError, match=r"no permission"):
        scan(tmp_path)


def test_a_photograph_without_permission_does_not_stop_the_scan(tmp_path, monkeypatch):
    put(tmp_path / "ALL", "ALL_1.bmp", "ALL_2.bmp")
    from napari_marrow.data.layouts import validate as checks

    original = checks._sample

    def sample(path):
        if path.name == "ALL_1.bmp":
            raise PermissionError(13, "Permission denied", str(path))
        return original(path)

    monkeypatch.setattr(checks, "_sample", sample)
    assert len(scan(tmp_path).fields) == 2


def test_files_that_differ_in_a_few_bytes_are_two_pictures(tmp_path):
    """A mask that copies its photograph has the photograph's pixels nearly everywhere."""
    put(tmp_path / "ALL", "ALL_1.bmp", size=(320, 240))
    content = bytearray((tmp_path / "ALL" / "ALL_1.bmp").read_bytes())
    content[len(content) // 6] ^= 255  # between the places that are sampled
    (tmp_path / "ALL" / "ALL_2.bmp").write_bytes(content)
    found = scan(tmp_path)
    assert len({f.source for f in found.fields}) == 2
    assert found.warnings == ()


def test_of_several_folders_a_photograph_is_counted_once(snam):
    whole = scan(snam)
    (one,) = (f for f in whole.fields if f.name == "ALL_1")
    found = scan_all([one.path, snam, str(one.path), one.path.parent / ".." / "ALL" / "ALL_1.bmp"])
    assert [f.path for f in found[0].fields] == [one.path]
    assert len(found) == 2
    assert {f.path for f in found[1].fields} == {f.path for f in whole.fields} - {one.path}
