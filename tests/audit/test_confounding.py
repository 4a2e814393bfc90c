"""Sizes, formats and acquisitions that go with the class."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from napari_marrow.audit.audit import audit
from napari_marrow.data.fields import Collection
from napari_marrow.data.layouts import scan
from napari_marrow.simulation.phantom import PhantomSettings, draw_field, planned_fields

SMALL = PhantomSettings(fields=20, width=192, height=144)


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


def _halved(image):
    return image[::2, ::2]


@pytest.mark.parametrize("names", [("1", "b1"), ("b1", "1"), ("1", "1")])
def test_copies_in_two_formats_in_both_classes_are_no_sign_of_the_class(
    put, found, tmp_path, names
):
    """Whichever of the copies comes first by its name."""
    for number in range(1, 7):
        for class_name, name in zip(("ALL", "MM"), names, strict=True):
            other = {"1": "b1", "b1": "1"}[name]
            put(f"{class_name}/{name}-{number}.png", class_name, number)
            put(f"{class_name}/{other}-{number}.jpg", class_name, number, _halved)
    kinds = found()
    assert not {"size-with-class", "format-with-class", "acquisition-with-class"} & set(kinds)


def test_copies_in_a_format_that_one_class_has_are_a_sign_of_the_class(put, found):
    for number in range(1, 7):
        put(f"ALL/1-{number}.png", "ALL", number)
        put(f"ALL/2-{number}.jpg", "ALL", number)
        put(f"MM/1-{number}.png", "MM", number)
        put(f"MM/2-{number}.bmp", "MM", number)
    (finding,) = found()["format-with-class"]
    assert "JPEG (6, as ALL/2-1.jpg)" in finding.sentence


def test_where_the_background_was_cut_away_there_is_no_acquisition(put, tmp_path, drawn):
    for class_name in ("ALL", "MM"):
        for number in range(1, 6):
            cell = drawn(class_name, number).nuclei[..., None] > 0
            put(f"{class_name}/{number}.bmp", class_name, number, lambda i, c=cell: i * c)
    acquisitions = audit(scan(tmp_path / "in")).acquisitions
    assert acquisitions.files == ()
    assert "whose background is to be seen" in acquisitions.sentence


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
    assert found.association.p_value == pytest.approx(test.pvalue, abs=1e-9)
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


def _put_both(put, change=lambda image: image, kinds=("png", "png"), count=8):
    """Write pictures of one light, those of MM changed and in the second format."""
    for number in range(3, 3 * count + 1, 3):  # every third field is of one batch
        put(f"ALL/{number}.{kinds[0]}", "ALL", number)
        put(f"MM/{number}.{kinds[1]}", "MM", number, change)


@pytest.mark.parametrize(
    ("change", "kinds", "expected"),
    [
        (lambda i: (i * (1, 0.9, 0.75)).astype(np.uint8), ("png", "png"), {"camera"}),
        (_cut(130, 180), ("png", "png"), {"camera", "size"}),
        (lambda i: i, ("png", "jpg"), {"camera", "format"}),
        (lambda i: i, ("png", "tif"), set()),  # the same pixels
        (lambda i: i, ("png", "png"), set()),
    ],
)
def test_what_the_verdict_names(put, tmp_path, change, kinds, expected):
    _put_both(put, change, kinds)
    found = audit(scan(tmp_path / "in")).confounding
    assert set(found.properties if found else ()) == expected
    assert found is None or found.cramers_v == pytest.approx(1, abs=1e-9)


def test_too_few_sources_give_no_verdict(put, tmp_path):
    _put_both(put, _cut(130, 180), count=3)
    assert audit(scan(tmp_path / "in")).confounding is None


def test_acquisitions_that_were_given_count_and_not_the_colours(put, tmp_path):
    """Pictures of one light, named by the table; then the same in two lights, named as one."""
    _put_both(put)
    found = scan(tmp_path / "in")
    names = {"ALL": "old camera", "MM": "new camera"}
    named = replace(
        found, fields=tuple(replace(f, acquisition=names[f.class_name]) for f in found.fields)
    )
    audited = audit(named)
    assert audited.confounding.properties == ("acquisition",)
    assert audited.confounding.cramers_v == pytest.approx(1, abs=1e-9)
    assert len(audited.acquisitions.files) == 2
    _put_both(put, lambda i: (i * (1, 0.9, 0.75)).astype(np.uint8))
    found = scan(tmp_path / "in")
    assert audit(found).confounding is not None
    one = replace(found, fields=tuple(replace(f, acquisition="a") for f in found.fields))
    assert audit(one).confounding is None
    crossed = replace(
        found, fields=tuple(replace(f, acquisition=f.path.stem[0]) for f in found.fields)
    )
    assert audit(crossed).confounding is None


def test_classes_of_cells_that_go_with_the_camera_are_found(put, tmp_path):
    """Annotated one by one, as in the viewer: the photographs themselves have no class."""
    _put_both(put, lambda i: (i * (1, 0.9, 0.75)).astype(np.uint8))
    found = scan(tmp_path / "in")

    def annotated(classes_of):
        fields = (
            replace(f, class_name=None, cell_classes=dict(enumerate(classes_of(f.class_name), 1)))
            for f in found.fields
        )
        return audit(replace(found, fields=tuple(fields)))

    assert annotated(lambda own: (own, own)).confounding.properties == ("camera",)
    both = annotated(lambda own: ("ALL", "MM"))
    assert both.confounding is None
    assert not any(f.kind == "source-in-two-classes" for f in both.findings)
    assert sum(map(len, both.acquisitions.files)) == 16


def test_a_class_of_one_source_does_not_hide_that_the_others_go_with_the_camera(put, tmp_path):
    _put_both(put, lambda i: (i * (1, 0.9, 0.75)).astype(np.uint8))
    put("other/1.png", "ALL", 30)
    audited = audit(scan(tmp_path / "in"))
    assert audited.confounding.properties == ("camera",)
    assert audited.confounding.cramers_v == pytest.approx(1, abs=1e-9)


@pytest.mark.real
def test_one_camera_session_in_two_lossless_formats_is_not_accused(real_data):
    """Both classes are of one session, blasts in TIFF and the others in PNG."""
    assert audit(scan(real_data / "labs" / "idb-olympus")).confounding is None


@pytest.mark.real
def test_the_class_goes_with_the_acquisition_in_all_idb2(real_data):
    """Its README says so: normal cells and blasts are of different slides and days."""
    found = audit(scan(real_data / "all-idb2")).acquisitions
    assert found.association.holds
    assert found.association.cramers_v > 0.8
    assert audit(scan(real_data / "all-idb2")).confounding.properties == ("camera",)
