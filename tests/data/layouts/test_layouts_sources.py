"""Which photographs are one source by their names, and what is said of it."""

import pytest
from PIL import Image

from napari_marrow.data.layouts import scan, write_table


@pytest.fixture
def put(tmp_path):
    """Write photographs that differ, by their names below the folder."""

    def put(*names):
        for k, name in enumerate(names):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (16, 12), (k, *name.encode()[-6:-4])).save(path)

    return put


NOT_THERE = (
    "By the ends of their names these are made from one photograph, which is not there, and count "
    "as one source: {}. If they are different pictures, rename them, or give each a source of its "
    "own in a table or with --groups."
)


def test_products_without_their_photograph_are_one_source_and_said(put, tmp_path):
    put("MM/a.png", *(f"MM/Giemsa_stain{k}.png" for k in range(8)), "ALL/b_light7.png")
    found = scan(tmp_path)
    assert [f.source for f in found.fields if "Giemsa" in f.name] == ["MM/Giemsa"] * 8
    names = "Giemsa_stain0.png, Giemsa_stain1.png, Giemsa_stain2.png and 5 more (MM/Giemsa)"
    assert found.warnings == (NOT_THERE.format(names),)


def test_nothing_is_said_where_the_photograph_is_there_or_a_table_says_the_source(put, tmp_path):
    put("MM/a.png", "MM/a_stain1.png", "MM/a_stain2.png", "ALL/b.png")
    put("fold_0/hem/UID_H1_1_1_hem.png", "fold_0/hem/UID_H1_1_2_hem.png")
    assert scan(tmp_path).warnings == ()
    (tmp_path / "MM" / "a.png").unlink()
    found = scan(tmp_path)
    assert len(found.warnings) == 1
    write_table(found, tmp_path / "fields.csv")
    assert scan(tmp_path).warnings == ()


def test_a_table_without_sources_says_it_too(put, tmp_path):
    put("a_stain1.png", "a_stain2.png")
    (tmp_path / "t.csv").write_text("image,class\na_stain1.png,ALL\na_stain2.png,MM\n")
    said = NOT_THERE.format("a_stain1.png, a_stain2.png (a)")
    assert scan(tmp_path / "t.csv").warnings == (said,)


TWINS = (
    "{} and {} hold {} photographs of the same names, taken for the same pictures: both of a name "
    "are one source. Scan one of these folders alone, or, if the pictures differ, say their "
    "sources in a table or with --groups."
)


@pytest.mark.parametrize("above", ["", "archive/"])
def test_a_cut_out_in_a_folder_beside_is_of_the_same_source(put, tmp_path, above):
    names = [f"{c}/{k}" for c in ("Benign", "Early") for k in range(3)]
    put(*(f"{above}Original/{name}.png" for name in (*names, "Benign/9")))
    put(*(f"{above}Segmented/{name}.bmp" for name in (*names[1:], "Early/3_flip")))
    found = scan(tmp_path)
    assert found.counts() == {"Benign": 6, "Early": 7}
    pairs = {f.path.relative_to(tmp_path / above).as_posix(): f.source for f in found.fields}
    for name in names[1:]:
        assert pairs[f"Original/{name}.png"] == pairs[f"Segmented/{name}.bmp"]
    assert len(set(pairs.values())) == 8
    assert TWINS.format(f"{above}Original", f"{above}Segmented", 5) in found.warnings


@pytest.mark.parametrize(
    ("first", "second"),
    [("{c}/original", "{c}/segmented"), ("{c}", "{c}_segmented"), ("{c}", "{c}/with_scale"),
     ("set/{c}", "set/masked {c}"), ("{c}/raw", "{c}/cut-out")],
)  # fmt: skip
@pytest.mark.parametrize("classes", ["ALL MM", "blast normal"])
def test_a_picture_shown_otherwise_in_a_folder_of_its_class_is_of_the_same_source(
    put, tmp_path, first, second, classes
):
    folders = [v.format(c=c) for c in classes.split() for v in (first, second)]
    put(*(f"{folder}/{k}.png" for folder in folders for k in range(3)))
    found = scan(tmp_path)
    assert found.counts() == dict.fromkeys(classes.split(), 6)
    assert len({f.source for f in found.fields}) == 6
    assert len({(f.source, f.path.stem) for f in found.fields}) == 6
    assert any("--groups" in w for w in found.warnings)


@pytest.mark.parametrize(
    "folders",
    ["neutrophil neutrophil_segmented", "blast/MGG blast/PAS", "lymphocyte lymphocyte_small"],
)
def test_kinds_of_cells_and_stains_are_other_pictures(put, tmp_path, folders):
    put(*(f"{folder}/{k}.png" for folder in (*folders.split(), "basophil") for k in range(3)))
    found = scan(tmp_path)
    assert len({f.source for f in found.fields}) == len(found.fields)


@pytest.mark.parametrize("tops", [("train", "test"), ("fold_0", "fold_1"), ("lab 1", "lab 2")])
def test_equal_names_in_parts_of_a_set_are_other_pictures(put, tmp_path, tops):
    put(*(f"{top}/{c}/{k}.png" for top in tops for c in ("ALL", "AML") for k in range(3)))
    found = scan(tmp_path)
    assert len({f.source for f in found.fields}) == 12


def test_equal_names_in_two_classes_are_other_pictures(put, tmp_path):
    put(*(f"{c}/{k}.png" for c in ("AML", "CML") for k in range(3)))
    found = scan(tmp_path)
    assert len({f.source for f in found.fields}) == 6


HASHES = (17, 4821, 933, 7260)


@pytest.mark.parametrize("prefix", ["aug", "", "cell_b"])
def test_what_keras_made_of_one_photograph_is_one_source(put, tmp_path, prefix):
    put(*(f"{c}/{prefix}_{k}_{h + k}.png" for c in ("ALL", "MM") for k in range(6) for h in HASHES))
    found = scan(tmp_path)
    assert len({f.source for f in found.fields}) == 12
    assert len({(f.source, f.name.split("_")[-2]) for f in found.fields}) == 12
    (warning,) = found.warnings
    assert f"ALL/{prefix}_INDEX_HASH" in warning


@pytest.mark.parametrize("name", ["img_{k}_{j}", "cell_{k}{j}_9{k}7{j}", "day_2019041{k}_15{j}7"])
def test_pictures_that_are_numbered_otherwise_keep_their_sources(put, tmp_path, name):
    put(*(f"{c}/{name.format(k=k, j=j)}.png" for c in "AB" for k in range(6) for j in range(4)))
    found = scan(tmp_path)
    assert len({f.source for f in found.fields}) == len(found.fields) == 48
    assert found.warnings == ()


def test_names_of_other_tools_tell_the_photograph(put, tmp_path):
    put("ALL/s1.png", "ALL/s1_hflip.png", "ALL/s1_vertical_flip.png", "ALL/s1_brightness2.png")
    put(*(f"ALL/s1_png.rf.{k}{'5fe' * 10}.jpg" for k in (1, 2)))
    put(f"ALL/ALL_original_s1.png_{'0a1b2c3d-1111-4222-8333'}-0123456789ab.png", "ALL/s2.png")
    assert {f.source for f in scan(tmp_path).fields} == {"ALL/s1", "ALL/s2"}


ROBOFLOW = ["{o}_png.rf.{h}.png", "{o}.jpg.rf.{h}.png", "{o}_jpeg_jpg.rf.{h}.png",
            "{o}.JPEG.rf.{h}.png", "{o}_webp.rf.{h}.png"]  # fmt: skip


@pytest.mark.parametrize("made", ROBOFLOW)
@pytest.mark.parametrize("name", ["ALL ({k})", "BloodImage_0000{k}", "IMG_2023_10{k}"])
def test_what_roboflow_made_of_one_picture_is_one_source(put, tmp_path, made, name):
    hashes = {k: [f"{k}{j}{'5fe0' * 8}"[:32] for j in range(3)] for k in range(4)}
    put(*(f"A/{made.format(o=name.format(k=k), h=h)}" for k in hashes for h in hashes[k]))
    sources = {f.path.name: f.source for f in scan(tmp_path).fields}
    assert len(set(sources.values())) == 4
    assert len({(s, n.split(".rf.")[0]) for n, s in sources.items()}) == 4


COPIES = ["{o}_0_{h}", "{o} ({k})", "{o}({k})", "{o} - Copy", "{o} - Copy ({k})", "{o} - Kopie",
          "{o} copy {k}", "aug_{k}_{o}", "augmented_{o}", "AugmentedImg_{h}_{o}", "augm_{k}_{o}",
          "Copy of {o}", "copy_{k}_{o}", "Kopie von {o}", "Copia de {o} ({k})",
          "x_original_{o}.png_{h}5fe5fe5fe"]  # fmt: skip


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("name", ["ALL_{}", "ALL{}", "b {}"])
def test_copies_are_of_the_source_of_the_picture_they_are_named_after(put, tmp_path, copy, name):
    names = [name.format(i) for i in range(4)]
    copies = {copy.format(o=o, k=k, h=1037 + k * 53): o for o in names for k in (1, 2)}
    put(*(f"A/{n}.png" for n in (*names, *copies)), "B/1.png")
    sources = {f.path.stem: f.source for f in scan(tmp_path).fields if f.class_name == "A"}
    assert len(set(sources.values())) == 4
    assert all(sources[one] == sources[original] for one, original in copies.items())


def test_copies_of_a_patients_picture_are_the_patients(put, tmp_path):
    put("hem/UID_H1_1_1_hem.png", "hem/aug_1_UID_H1_2_1_hem.png", "hem/UID_H1_1_1_hem - Copy.png")
    put("all/UID_1_1_1_all.png")
    assert {f.source for f in scan(tmp_path).fields} == {"UID_H1", "UID_1"}


@pytest.mark.parametrize("name", ["b ({k})", "b_{k}_17", "aug_{k}", "aug_{k}_7", "copy {k}"])
def test_names_like_those_of_copies_without_the_picture_are_other_pictures(put, tmp_path, name):
    put(*(f"{c}/{name.format(k=k)}.png" for c in "AB" for k in range(1, 5)))
    assert len({f.source for f in scan(tmp_path).fields}) == 8


MADE = ["{o}__rot_20", "{o}-aug-2", "rotated_{o}", "flip_{o}", "augmented_{o}_7", "rot20_{o}",
        "{o}_rotated_-20", "{o}_angle_20", "{o}_crop", "{o}_scaled_0.5", "{o}_contrast1.5",
        "{o}_brightness_1.2", "{o}_gauss", "{o}_elastic", "{o}_distorted", "{o}_transformed",
        "{o}_h_flip", "{o}_flipped_lr", "{o}-gaussian-noise-0.1", "aug_{o}_rot90", "{o}_hue+0.1",
        "random_crop_3_{o}", "{o}_sharpened", "{o}_rotation_45deg", "Gauss_Blur_{o}",
        "hor-{o}", "ver-{o}", "hist-{o}", "{o}_hvflip", "{o}_90deg", "{o}_rotate_90_clockwise",
        "{o}_hist_eq", "{o}_median_blur", "{o}_motion_blur", "{o}_sepia", "{o}_center_crop",
        "{o}_grid_distortion", "{o}_padded", "{o}_width_shift", "{o}_224x224", "{o}_macenko",
        "{o}_jpeg_recompress", "{o}_compressed_q50", "{o}_edited", "{o}-enhanced", "{o}_small",
        "{o}_segmented", "cropped_{o}", "{o}-masked", "{o} annotated", "{o}_overlay",
        "{o}_scalebar", "{o}_with_scale", "{o}_with scale bar", "{o}_cutout",
        "{o}_normalized", "{o}_original", "{o}_resized_224x224", "{o}_saltpepper"]  # fmt: skip


@pytest.mark.parametrize("made", MADE)
def test_products_are_of_the_source_of_the_picture_that_is_there(put, tmp_path, made):
    names = [name.format(i) for i in range(4) for name in ("ALL_{}", "b {}", "{}1a", "Im00{}_1")]
    put(*(f"A/{n}.png" for n in (*names, *(made.format(o=o) for o in names))), "B/1.png")
    sources = {f.path.stem: f.source for f in scan(tmp_path).fields if f.class_name == "A"}
    assert len(set(sources.values())) == 16
    assert all(sources[made.format(o=o)] == sources[o] for o in names)


def test_products_without_their_picture_share_a_source_and_are_reported(put, tmp_path):
    put(*(f"A/s{k}{end}.png" for k in range(3) for end in ("__rot_20", "_gauss", "_scaled_0.5")))
    put("B/1.png")
    found = scan(tmp_path)
    assert len({f.source for f in found.fields}) == 4
    assert any("s1_gauss.png" in warning and "--groups" in warning for warning in found.warnings)


def test_bare_numbers_keep_their_products_apart(put, tmp_path):
    put(*(f"A/{name}.png" for k in range(4) for name in (k, f"aug_{k}_rot90")), "B/z.png")
    assert {f.source for f in scan(tmp_path).fields} == {"A/0", "A/1", "A/2", "A/3", "B/z"}


ORDINARY = ["ALL_{k}", "blast_crop_{k}", "crop_{k}", "elastic{k}", "rot_{k}", "A_scaled_{k}",
            "grey_{k}", "cell-{k}-dark", "img_{k}_x{k}", "{k}_right", "hor_{k}", "BM{k}_small",
            "hist{k}", "original_{k}", "copy of {k}", "A_{k}_224x224", "x{k}_90deg"]  # fmt: skip


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_names_are_not_joined(put, tmp_path, name):
    put(*(f"{c}/{name.format(k=k)}.png" for c in ("L1", "B") for k in range(1, 9)))
    assert len({f.source for f in scan(tmp_path).fields}) == 16


@pytest.mark.parametrize("name", ["download ({k})", "WhatsApp Image 2023-01-02 ({k})", "ALL({k})"])
def test_a_long_series_of_numbers_after_one_name_are_other_pictures(put, tmp_path, name):
    """Browsers and messengers number different pictures that they give one name."""
    put(*(f"A/{name.format(k=k)}.png" for k in range(1, 21)), "B/1.png")
    put(f"A/{name.partition('(')[0].strip()}.png")
    assert len({f.source for f in scan(tmp_path).fields}) == 22
