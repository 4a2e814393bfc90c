"""Labels as TIFF, and cells drawn over their photograph."""

import numpy as np
import pytest
import tifffile
from PIL import Image

import answered
from napari_marrow.report.colours import UNCERTAIN, rgb
from napari_marrow.report.exports.label_image import write_labels
from napari_marrow.report.exports.picture import draw_cells
from napari_marrow.report.exports.pixels import FieldPixels
from napari_marrow.report.exports.tables import cell_table


@pytest.mark.parametrize(("top", "bits"), [(65535, 16), (65536, 32)])
def test_labels_keep_their_numbers_and_the_size_of_a_pixel(tmp_path, top, bits):
    labels = np.array([[0, 3, top], [0, 0, 3]], np.int64)
    write_labels(tmp_path / "a.tif", labels, (0.5, 0.25))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        page = file.pages.first
        assert page.bitspersample == bits
        np.testing.assert_array_equal(page.asarray(), labels)
        x, y = (page.tags[name].value for name in ("XResolution", "YResolution"))
        assert (x[0] / x[1], y[0] / y[1]) == (40_000, 20_000)
    with Image.open(tmp_path / "a.tif") as picture:  # another reader
        np.testing.assert_array_equal(np.asarray(picture), labels)


def large():
    """One cell of each kind in a photograph that is large enough for a legend."""
    nuclei = np.zeros((400, 600), np.uint16)
    for k, x in zip((1, 2, 5, 7), (150, 250, 350, 450), strict=True):
        nuclei[250:320, x : x + 70] = k
    return FieldPixels(np.full((400, 600, 3), 90, np.uint8), nuclei)


def test_cells_have_the_colour_of_their_class_and_uncertain_ones_are_dashed():
    pixels = large()
    table = cell_table(answered.answers(), answered.FIRST, pixels)
    drawn = np.asarray(draw_cells(table, pixels, answered.COLOURS))
    assert drawn.shape == pixels.image.shape

    def colours(number):
        inside = pixels.nuclei == number
        painted = inside & (drawn != 90).any(axis=2)
        return {tuple(x) for x in drawn[painted].tolist()}

    assert colours(1) == {rgb(answered.COLOURS["ALL"])}
    assert colours(2) == colours(7) == {rgb(answered.COLOURS["MM"])}
    assert colours(5) == {rgb(answered.COLOURS["MM"]), rgb(UNCERTAIN)}
    outside = pixels.nuclei[200:370] == 0
    assert (drawn[200:370][outside] == 90).all()
    assert (drawn[:200] != 90).any()  # the legend
    assert (drawn[370:] != 90).any()  # that it is for research alone


def test_cells_without_a_class_have_no_rim():
    nuclei = np.pad(answered.second_field().nuclei, ((90, 80), (95, 80)))
    pixels = FieldPixels(np.full((*nuclei.shape, 3), 90, np.uint8), nuclei)
    table = cell_table(answered.answers(), answered.SECOND, pixels)
    drawn = np.asarray(draw_cells(table, pixels, answered.COLOURS))
    assert (drawn[nuclei == 4] == 90).all()
    assert (drawn[nuclei == 3] != 90).any()
