"""Overlays: rims in the colours of the classes, and a caption that does not hide doubt."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from napari_marrow.learning.bundles.predictor import Prediction
from napari_marrow.report.colours import UNCERTAIN, class_colours, rgb
from napari_marrow.report.overlay import answer_text, draw_overlay, write_overlay


@pytest.fixture
def cells():
    """Three cells: an ALL, a MM, and one that is uncertain, far from the captions."""
    labels = np.zeros((240, 320), np.uint16)
    for number, x in ((2, 40), (5, 140), (6, 240)):
        labels[100:140, x : x + 40] = number
    table = pd.DataFrame(
        {"index": [2, 5, 6], "class": ["ALL", "MM", "MM"], "uncertain": [False, False, True]}
    )
    return Prediction(table, "ALL", 0.83, False, labels)


IMAGE = np.full((240, 320, 3), 128, np.uint8)


@pytest.mark.parametrize(
    ("name", "probability", "uncertain", "text"),
    [
        ("ALL", 0.834, False, "ALL (83%)"),
        ("MM", 0.55, True, "MM (55%), uncertain (low probability)"),
        (None, float("nan"), True, "no cell found"),
    ],
)
def test_answer_in_words(name, probability, uncertain, text):
    reason = "low probability" * uncertain
    prediction = Prediction(pd.DataFrame(), name, probability, uncertain, None, reason)
    assert answer_text(prediction) == text


def test_each_reason_has_a_line_of_its_own_where_there_is_little_room():
    reasons = "other acquisition; low probability"
    prediction = Prediction(pd.DataFrame(), "MM", 0.55, True, None, reasons)
    lines = ["MM (55%)", "uncertain (other acquisition;", "low probability)"]
    assert answer_text(prediction, in_lines=True).splitlines() == lines


def test_rims_have_the_colour_of_the_class_and_leave_the_inside(cells):
    pixels = np.asarray(draw_overlay(IMAGE, "f", cells, ("ALL", "MM")))
    colours = class_colours(("ALL", "MM"))
    for x, colour in ((40, colours["ALL"]), (140, colours["MM"]), (240, UNCERTAIN)):
        assert tuple(pixels[120, x + 1]) == rgb(colour)
        assert tuple(pixels[101, x + 20]) == rgb(colour)
        assert tuple(pixels[120, x + 20]) == (128, 128, 128)
        assert tuple(pixels[120, x - 3]) == (128, 128, 128)


def test_caption_is_drawn_in_the_colour_of_the_answer(cells):
    def has(prediction, colour):
        top = np.asarray(draw_overlay(IMAGE, "f", prediction, ("ALL", "MM")))[:40]
        return (top == rgb(colour)).all(axis=-1).any()

    colours = class_colours(("ALL", "MM"))
    assert has(cells, colours["ALL"])
    assert not has(cells, colours["MM"])
    doubtful = Prediction(cells.table, "ALL", 0.5, True, None)
    assert has(doubtful, UNCERTAIN)
    assert not has(doubtful, colours["ALL"])


def test_large_fields_are_drawn_small_with_rims_in_place(cells):
    big = Prediction(cells.table, "ALL", 0.83, False, cells.labels.repeat(8, 0).repeat(8, 1))
    picture = draw_overlay(IMAGE.repeat(8, 0).repeat(8, 1), "f", big, ("ALL", "MM"))
    assert picture.size == (1280, 960)
    colour = rgb(class_colours(("ALL", "MM"))["MM"])
    assert picture.getpixel((4 * 140 + 1, 4 * 120)) == colour


def test_labels_that_were_not_classified_do_not_disturb(cells):
    labels = cells.labels.copy()
    labels[200:220, 10:30] = 9
    prediction = Prediction(cells.table, "ALL", 0.83, False, labels)
    assert draw_overlay(IMAGE, "f", prediction, ("ALL", "MM")).size == (320, 240)


@pytest.mark.parametrize("size", [(1, 1), (12, 300), (300, 12)])
def test_small_and_narrow_fields(tmp_path, size):
    image = np.zeros((*size, 3), np.uint8)
    none = Prediction(pd.DataFrame(), None, float("nan"), True, None)
    write_overlay(tmp_path / "o.png", image, "f", none, ("ALL", "MM"))
    with Image.open(tmp_path / "o.png") as picture:
        assert picture.size == size[::-1]
