"""A stack of three fields with two kinds of cells, and the cells of a project of it."""

import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtCore import QObject
from skimage.draw import disk, ellipse

from napari_marrow.data.project.annotations import ClassColour
from napari_marrow.data.project.project import Project
from napari_marrow.viewer.annotating.live_cells import LiveCells
from napari_marrow.viewer.annotating.session import AnnotationSession
from napari_marrow.viewer.layer_info import Kind, linked_info
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.transforms import place_of

CLASSES = (ClassColour("ALL", "#E69F00"), ClassColour("MM", "#009E73"))
SIDE, COLUMNS = 48, 6


@pytest.fixture
def picture():
    """Makes one of the fields, by its number: a photograph and its labels."""
    return field_of_cells


def field_of_cells(seed, long_colour=(60, 60, 60)):
    """A field of two rows of cells: round ones in the upper row, long ones below."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((2 * SIDE, COLUMNS * SIDE), np.uint16)
    image = rng.integers(225, 240, (*labels.shape, 3)).astype(np.uint8)
    for number in range(1, 2 * COLUMNS + 1):
        row, column = divmod(number - 1, COLUMNS)
        middle = ((row + 0.5) * SIDE, (column + 0.5) * SIDE)
        size = rng.uniform(0, 2)
        inside = disk(middle, 12 + size) if row == 0 else ellipse(*middle, 6 + size, 18 + size)
        labels[inside] = number
        low = np.array((60, 60, 60) if row == 0 else long_colour)
        image[inside] = rng.integers(low, low + 30, (len(inside[0]), 3))
    return image, labels


def add_stack(viewer, name, pictures):
    """Add fields to a viewer; the layer of the photographs."""
    image = viewer.add_layer(Image(np.stack([x for x, _ in pictures]), name=name, rgb=True))
    info = linked_info(image, Kind.NUCLEI).metadata()
    labels = np.stack([x for _, x in pictures])
    viewer.add_layer(Labels(labels, name=f"{name} nuclei", metadata=info, **place_of(image)))
    return image


@pytest.fixture
def viewer(make_napari_viewer):
    made = make_napari_viewer()
    add_stack(made, "stack", [field_of_cells(seed) for seed in range(3)])
    made.dims.set_point(0, 1)
    return made


@pytest.fixture
def live(viewer, tmp_path, qtbot):
    project = Project.create(tmp_path / "project", CLASSES)
    owner = QObject()
    session = AnnotationSession(owner, viewer, project, print)
    made = LiveCells(owner, session)
    photograph = Photograph.of(viewer.layers["stack"], list(viewer.layers))
    session.open_field(photograph, lambda: made.follow(photograph))
    qtbot.waitUntil(
        lambda: made.answers is not None and len(made.answers.cells) == 36, timeout=60_000
    )
    yield made
    made.close()
    session.close()
    owner.deleteLater()
