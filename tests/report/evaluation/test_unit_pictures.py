"""Pictures of units: the cell in its surroundings with a ring, or the whole field."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from napari_marrow.data.fields import Collection, Field
from napari_marrow.learning.scores.findings import UnitAnswer
from napari_marrow.learning.scores.results import EvaluationResult
from napari_marrow.report.evaluation.pictures import SIDE_PX, ringed, unit_pictures

GREEN, NUCLEUS = (40, 200, 40), (90, 30, 120)


@pytest.fixture
def collection(tmp_path) -> Collection:
    """A green field of 200 x 300 pixels with two nuclei, of the radii 10 and 6."""
    pixels = np.full((200, 300, 3), GREEN, np.uint8)
    labels = np.zeros((200, 300), np.uint16)
    y, x = np.mgrid[:200, :300]
    for number, (row, column, radius) in enumerate([(100, 150, 10), (4, 290, 6)], 1):
        labels[(y - row) ** 2 + (x - column) ** 2 <= radius**2] = number
    pixels[labels > 0] = NUCLEUS
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(labels).save(tmp_path / "a_labels.png")
    field = Field(tmp_path / "a.png", "a", "a", "ALL", labels=tmp_path / "a_labels.png")
    lost = Field(tmp_path / "lost.png", "lost", "lost", "ALL")
    return Collection(tmp_path, (field, lost))


def with_mistakes(undrawn: EvaluationResult, unit: str, *units: tuple[str, int]):
    """The result with these units as its mistakes."""
    mistakes = tuple(UnitAnswer(image, k, 0.0, 0.0, "ALL", "MM", 0.9) for image, k in units)
    data = replace(undrawn.data, unit=unit)
    return replace(undrawn, data=data, mistakes=mistakes, doubtful=())


def test_a_cell_is_in_the_middle_with_a_ring(collection, undrawn):
    asked = with_mistakes(undrawn, "cell", ("a.png", 1), ("a.png", 7), ("lost.png", 1))
    found = unit_pictures(collection, asked)
    assert set(found) == {("a.png", 1)}  # neither a cell nor a file that is not there
    picture = found["a.png", 1]
    assert picture.shape == (SIDE_PX, SIDE_PX, 3)
    middle = SIDE_PX // 2
    assert tuple(picture[middle, middle]) == NUCLEUS
    nucleus = np.abs(picture.astype(int) - NUCLEUS).sum(axis=-1) < 30
    # the square is 4 diameters wide: the nucleus has a quarter of its width
    assert nucleus[middle].sum() == pytest.approx(SIDE_PX / 4, abs=4)
    assert (picture == 255).all(axis=-1).any()  # the ring
    assert (picture[:5] == GREEN).all()


def test_a_cell_at_the_edge_is_whole(collection, undrawn):
    picture = unit_pictures(collection, with_mistakes(undrawn, "cell", ("a.png", 2)))["a.png", 2]
    nucleus = np.abs(picture.astype(int) - NUCLEUS).sum(axis=-1) < 30
    rows, columns = np.nonzero(nucleus)
    assert rows.min() < SIDE_PX / 4
    assert columns.max() > SIDE_PX * 3 / 4


def test_a_field_is_shown_whole(collection, undrawn):
    found = unit_pictures(collection, with_mistakes(undrawn, "field", ("a.png", 0)))
    assert found["a.png", 0].shape == (round(SIDE_PX * 2 / 3), SIDE_PX, 3)


def test_a_cell_larger_than_its_photograph_fits():
    pixels = np.full((50, 80, 3), GREEN, np.uint8)
    assert ringed(pixels, 25.0, 40.0, 2500).shape == (SIDE_PX, SIDE_PX, 3)
