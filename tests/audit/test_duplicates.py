"""The audit: masks by their pixels, copies, and what goes with the class."""

import json
import shutil
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageOps
from scipy import stats

from napari_marrow.audit.duplicates import audit
from napari_marrow.data.fields import Collection, Field, with_groups
from napari_marrow.data.layouts import scan
from napari_marrow.simulation.phantom import PhantomSettings, draw_field, planned_fields

SMALL = PhantomSettings(fields=20, width=192, height=144)


@pytest.fixture(scope="module")
def drawn():
    """Phantom fields, each drawn once: by class, number and whether class goes with stain."""
    cache = {}

    def field(class_name, index, confounded=False):
        key = class_name, index, confounded
        if key not in cache:
            cache[key] = draw_field(class_name, index, replace(SMALL, confounded=confounded))
        return cache[key]

    return field


@pytest.fixture
def put(tmp_path, drawn):
    """A function that writes a phantom photograph and returns its file."""

    def put(name, class_name="ALL", index=1, change=None, **options):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = drawn(class_name, index).image
        pixels = image if change is None else change(image)
        Image.fromarray(np.ascontiguousarray(pixels)).save(path, **options)
        return path

    return put


@pytest.fixture
def found(tmp_path):
    """A function that audits what was put: the findings by kind."""

    def found():
        kinds = {}
        for finding in audit(scan(tmp_path / "in")).findings:
            kinds.setdefault(finding.kind, []).append(finding)
        kinds.pop("too-few", None)
        return kinds

    return found


def files(findings):
    return [set(finding.files) for finding in findings]


# --- masks by their pixels ---


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


def test_where_the_background_was_cut_away_there_is_no_acquisition(put, tmp_path, drawn):
    for class_name in ("ALL", "MM"):
        for number in range(1, 6):
            cell = drawn(class_name, number).nuclei[..., None] > 0
            put(f"{class_name}/{number}.bmp", class_name, number, lambda i, c=cell: i * c)
    acquisitions = audit(scan(tmp_path / "in")).acquisitions
    assert acquisitions.files == ()
    assert "whose background is to be seen" in acquisitions.sentence


# --- copies ---


def test_the_same_pixels_are_a_duplicate_whatever_the_format(put, found):
    shutil.copy(put("ALL/a.bmp"), put("ALL/b.bmp", index=2).with_name("c.bmp"))
    put("ALL/d.png")
    kinds = found()
    (finding,) = kinds.pop("duplicate")
    assert set(finding.files) == {"ALL/a.bmp", "ALL/c.bmp", "ALL/d.png"}
    assert "--groups" in finding.sentence
    assert "TWO CLASSES" not in finding.sentence
    assert kinds == {}


def test_one_pixel_less_is_no_exact_duplicate(put, found):
    """The pixel lies between the samples."""

    def dot(image):
        image = image.copy()
        image[0, 0] ^= 255
        return image

    large = np.ones((4, 4, 1), np.uint8)
    put("ALL/a.bmp", change=lambda i: np.kron(i, large))
    put("ALL/b.bmp", change=lambda i: dot(np.kron(i, large)))
    kinds = found()
    assert files(kinds.pop("near-duplicate")) == [{"ALL/a.bmp", "ALL/b.bmp"}]
    assert kinds == {}


def test_copies_of_one_source_are_harmless(put, found):
    shutil.copy(put("ALL/a.bmp"), put("ALL/a_copy.bmp", index=2))
    put("ALL/a_rotate90.bmp", change=np.rot90)
    kinds = found()
    assert "count as one source" in kinds.pop("duplicate")[0].sentence
    assert kinds == {}


TURNS = {
    "rotate90": Image.Transpose.ROTATE_90,
    "rotate180": Image.Transpose.ROTATE_180,
    "rotate270": Image.Transpose.ROTATE_270,
    "left-right": Image.Transpose.FLIP_LEFT_RIGHT,
    "top-bottom": Image.Transpose.FLIP_TOP_BOTTOM,
    "transpose": Image.Transpose.TRANSPOSE,
    "transverse": Image.Transpose.TRANSVERSE,
}


@pytest.mark.parametrize("turn", TURNS)
def test_turned_and_mirrored_copies_are_found(put, found, turn):
    for number in (1, 2, 3):
        put(f"ALL/{number}.bmp", index=number)
    image = Image.open(put("ALL/x.bmp", index=2)).transpose(TURNS[turn])
    put("ALL/x.bmp", change=lambda _: np.asarray(image))
    kinds = found()
    (finding,) = kinds.pop("near-duplicate")
    assert finding.files == ("ALL/2.bmp", "ALL/x.bmp")
    assert "turned or mirrored" in finding.sentence
    assert kinds == {}


def test_a_copy_that_was_saved_as_jpeg_and_made_brighter_is_found(put, found):
    put("ALL/a.bmp")
    put("ALL/b.bmp", index=2)
    brighter = lambda i: (i * 1.1 + 5).clip(0, 255).astype(np.uint8)  # noqa: E731
    put("ALL/c.jpg", change=lambda i: np.rot90(brighter(i)), quality=60)
    put("ALL/d.jpg", index=2, change=brighter, quality=60)
    told = found()["near-duplicate"]
    assert files(told) == [{"ALL/a.bmp", "ALL/c.jpg"}, {"ALL/b.bmp", "ALL/d.jpg"}]
    assert "turned" in told[0].sentence
    assert "turned" not in told[1].sentence


def test_three_turns_of_one_picture_are_one_finding(put, found):
    put("ALL/a.bmp", change=np.rot90)
    put("ALL/b.bmp")
    put("ALL/c.bmp", index=3)
    put("ALL/d.bmp", change=np.flipud)
    assert files(found()["near-duplicate"]) == [{"ALL/a.bmp", "ALL/b.bmp", "ALL/d.bmp"}]


@pytest.mark.parametrize("turned", [False, True])
def test_a_copy_in_two_classes_is_said_loudly(put, found, turned):
    put("ALL/a.bmp")
    put("ALL/b.bmp", index=2)
    put("MM/c.bmp", change=np.rot90 if turned else None)
    (finding,) = found()["near-duplicate" if turned else "duplicate"]
    assert finding.sentence.startswith("IN TWO CLASSES, ALL and MM: ALL/a.bmp and MM/c.bmp are")


def test_cells_on_black_are_compared_inside_their_outline(put, found):
    """Two textures in one outline: the black around it must not make them alike."""
    rng = np.random.default_rng(0)
    rows, columns = np.indices((128, 128))
    disc = ((rows - 60) ** 2 + (columns - 66) ** 2 < 45**2)[..., None]
    for name in "ab":
        blocks = np.kron(rng.integers(150, 170, (16, 16, 1)), np.ones((8, 8, 3)))
        put(f"ALL/{name}.png", change=lambda _, b=blocks: np.where(disc, b, 0).astype(np.uint8))
    assert found() == {}
    put("ALL/c.png", change=lambda _, b=blocks: np.where(disc, b + 9, 0).astype(np.uint8)[::-1])
    assert files(found()["near-duplicate"]) == [{"ALL/b.png", "ALL/c.png"}]


def test_different_fields_are_no_copies(put, found):
    for class_name in ("ALL", "MM"):
        for number in range(1, 11):
            put(f"{class_name}/{number}.bmp", class_name, number)
    assert not found().keys() & {"duplicate", "near-duplicate", "mask-as-image"}


# --- sources, sizes, formats, numbers ---


def test_a_source_in_two_classes_is_found(put, tmp_path):
    for name, class_name, number in (("ALL/1", "ALL", 1), ("ALL/2", "ALL", 2), ("MM/3", "MM", 3)):
        put(f"{name}.bmp", class_name, number)
    table = tmp_path / "groups.csv"
    table.write_text("image,source\n1.bmp,patient 1\n2.bmp,patient 2\n3.bmp,patient 1\n")
    told = audit(with_groups(scan(tmp_path / "in"), table)).findings
    (finding,) = [f for f in told if f.kind == "source-in-two-classes"]
    assert finding.files == ("ALL/1.bmp", "MM/3.bmp")
    assert "patient 1" in finding.sentence


def _cut(height, width):
    return lambda image: image[:height, :width]


def test_sizes_that_go_with_the_class_are_found(put, found):
    for number in (1, 2):
        put(f"ALL/{number}.bmp", "ALL", number, _cut(100, 120))
        put(f"MM/{number}.bmp", "MM", number, _cut(100, 110))
    kinds = found()
    (finding,) = kinds["size-with-class"]
    assert "ALL 120x100 (2, as ALL/1.bmp); MM 110x100 (2, as MM/1.bmp)" in finding.sentence
    assert "format-with-class" not in kinds


def test_one_exception_does_not_hide_that_size_goes_with_the_class(put, found):
    for number in range(1, 8):
        put(f"ALL/{number}.bmp", "ALL", number, _cut(100, 110 if number == 1 else 120))
        put(f"MM/{number}.bmp", "MM", number, _cut(100, 110))
    assert "size-with-class" in found()


def test_sizes_that_occur_in_both_classes_or_once_are_fine(put, found):
    for number in range(1, 7):
        put(f"ALL/{number}.bmp", "ALL", number, _cut(100, 110 + number % 2))
        put(f"MM/{number}.bmp", "MM", number, _cut(100, 110 + number % 2))
    assert "size-with-class" not in found()
    for number in range(1, 7):  # crops: no two of one size
        put(f"ALL/{number}.bmp", "ALL", number, _cut(100, 110 + number))
        put(f"MM/{number}.bmp", "MM", number, _cut(90, 110 + number))
    assert "size-with-class" not in found()


def test_formats_that_go_with_the_class_are_found(put, found):
    for number in (1, 2):
        put(f"ALL/{number}.png", "ALL", number)
        put(f"MM/{number}.{'jpg' if number == 1 else 'jpeg'}", "MM", number)
    kinds = found()
    assert "ALL PNG (2, as ALL/1.png); MM JPEG (2, as MM/1.jpg)" in (
        kinds["format-with-class"][0].sentence
    )
    assert "size-with-class" not in kinds


def test_fewer_than_five_sources_are_too_few(put, tmp_path):
    for number in range(1, 6):
        put(f"ALL/{number}.bmp", "ALL", number)
        put(f"MM/{min(number, 4)}{'_rotate90' * (number == 5)}.bmp", "MM", number)
    told = [f for f in audit(scan(tmp_path / "in")).findings if f.kind == "too-few"]
    assert [f.files for f in told] == [("MM/1.bmp", "MM/2.bmp", "MM/3.bmp", "MM/4.bmp")]
    assert "MM has too few sources, 4 " in told[0].sentence


# --- acquisitions ---


@pytest.fixture(scope="module")
def batches(tmp_path_factory, drawn):
    """A function that writes 20 fields and gives their collection and true stain batches."""

    def batches(confounded):
        root = tmp_path_factory.mktemp("batches")
        truth = {}
        for class_name, index in planned_fields(SMALL):
            (root / class_name).mkdir(exist_ok=True)
            label = f"{class_name}/{class_name}_{index}.bmp"
            field = drawn(class_name, index, confounded)
            Image.fromarray(field.image).save(root / label)
            truth[label] = field.acquisition
        return scan(root), truth

    return batches


@pytest.mark.parametrize("confounded", [True, False])
def test_acquisitions_are_the_stain_batches(batches, confounded):
    collection, truth = batches(confounded)
    found = audit(collection).acquisitions
    true = [{f for f in truth if truth[f] == batch} for batch in range(3)]
    assert sorted(map(sorted, found.files)) == sorted(map(sorted, true))
    # ALL has the first two batches and MM the third, else both have all three in turn
    expected = [[5, 5, 0], [0, 0, 10]] if confounded else [[4, 3, 3], [4, 3, 3]]
    assert list(map(list, found.association.table.values())) == expected
    test = stats.chi2_contingency(expected)
    assert found.association.p_value == pytest.approx(test.pvalue)
    v = np.sqrt(test.statistic / 20)  # Cramer's V by its definition: 2 rows, so n * 1
    assert found.association.cramers_v == pytest.approx(v, abs=1e-9)


def test_a_class_that_goes_with_the_acquisition_is_said(batches):
    result = audit(batches(True)[0])
    (finding,) = result.findings
    assert finding.kind == "acquisition-with-class"
    assert finding.sentence.startswith("The class goes with the acquisition (Cramér's V 1.00")
    assert "ALL/ALL_1.bmp" in finding.sentence
    assert len(finding.files) == 20
    assert finding.sentence == result.acquisitions.sentence


def test_a_class_that_does_not_go_with_the_acquisition_is_not_accused(batches):
    result = audit(batches(False)[0])
    assert result.findings == ()
    assert "3 acquisitions" in result.acquisitions.sentence
    assert "was not found to go with them" in result.acquisitions.sentence


def test_units_are_sources_not_fields(batches):
    """Four turned copies of a field are no more evidence than the field."""
    collection, _ = batches(True)
    few = [f for f in collection.fields if f.name[-1] in "12"][:4]
    few += [replace(f, name=f"{f.name}-{k}") for f in few for k in range(5)]
    result = audit(Collection(collection.root, tuple(few)))
    assert result.acquisitions.association.p_value is None
    assert sum(map(sum, result.acquisitions.association.table.values())) == 4
    assert "can't be said" in result.acquisitions.sentence


def test_one_batch_is_one_acquisition(tmp_path):
    settings = replace(SMALL, acquisitions=1)
    for class_name, index in planned_fields(settings):
        (tmp_path / class_name).mkdir(exist_ok=True)
        image = draw_field(class_name, index, settings).image
        Image.fromarray(image).save(tmp_path / class_name / f"{index}.bmp")
    found = audit(scan(tmp_path)).acquisitions
    assert len(found.files) == 1
    assert (found.association.p_value, found.association.cramers_v) == (None, None)
    assert "may be of one acquisition" in found.sentence


# --- the whole ---


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
    from napari_marrow.audit import image_summary as looks

    seen = []
    original = looks.background_colour
    monkeypatch.setattr(
        looks, "background_colour", lambda s: [seen.append(s.shape), original(s)][1]
    )
    (tmp_path / "ALL").mkdir()
    pixels = np.random.default_rng(0).integers(0, 250, (1920, 2560, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "ALL" / "1.bmp")
    collection = scan(tmp_path)
    audit(collection)
    assert seen == [(256, 256, 3)]
    start = time.process_time()
    audit(collection)
    assert time.process_time() - start < 0.2  # 0.01 measured; decoding it takes longer


# --- real photographs ---


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


@pytest.mark.real
def test_turned_jpeg_copies_of_real_cells_are_found_among_them(real_data, tmp_path):
    names = ("blast/Im001_1", "blast/Im028_1", "normal/Im138_0", "normal/Im171_0")
    shutil.copytree(real_data / "all-idb2", tmp_path / "in")
    for name in names:
        image = ImageOps.mirror(Image.open(real_data / "all-idb2" / f"{name}.tif")).rotate(90)
        image.save(tmp_path / "in" / f"{name[:-8]}" / f"copy of {name[-7:]}.jpg", quality=70)
    told = [f for f in audit(scan(tmp_path / "in")).findings if f.kind == "near-duplicate"]
    assert sorted(len(f.files) for f in told) == [2, 2, 2, 2]
    assert {f.files[0] for f in told} | {f.files[1] for f in told} >= {f"{n}.tif" for n in names}


@pytest.mark.real
def test_the_class_goes_with_the_acquisition_in_all_idb2(real_data):
    """Its README says so: normal cells and blasts are of different slides and days."""
    found = audit(scan(real_data / "all-idb2")).acquisitions
    assert found.association.holds
    assert found.association.cramers_v > 0.8


def test_the_hash_is_of_the_cosine_transform():
    from scipy.fft import dctn

    from napari_marrow.audit.image_summary import perceptual_hashes

    thumbnail = np.random.default_rng(3).normal(size=(32, 32)).astype(np.float32)
    low = dctn(thumbnail, norm="ortho")[:8, :8].ravel()[1:]
    bits = low > np.median(low)
    expected = sum(int(bit) << k for k, bit in enumerate(bits))
    assert int(perceptual_hashes(thumbnail)[0]) == expected
