"""Cells of two fields of different sizes, as a person and a model left them, written by hand."""

import numpy as np
import pandas as pd

from napari_marrow.imaging.nuclei import central_pixels
from napari_marrow.learning.annotating.cells import CellAnswers, MeasuredCells, MeasuredField
from napari_marrow.report.exports.pixels import FieldPixels

FIRST, SECOND = "set/ALL/a.png", "set/MM/b.png"
COLOURS = {"ALL": "#E69F00", "MM": "#009E73", "other": "#56B4E9"}


def first_field() -> FieldPixels:
    """Two cells that touch, one with a hole, one in two pieces; cytoplasm of the first two."""
    nuclei = np.zeros((40, 60), np.uint16)
    nuclei[5:15, 5:15] = 1
    nuclei[5:15, 15:20] = 2
    nuclei[20:35, 5:20], nuclei[25:30, 10:15] = 5, 0
    nuclei[20:25, 30:35] = nuclei[25:30, 35:40] = 7  # at a corner alone
    cytoplasm = np.zeros_like(nuclei)
    cytoplasm[2:18, 2:15], cytoplasm[2:18, 15:22] = 1, 2
    cytoplasm[36:40, 50:60] = 9  # of no nucleus
    cytoplasm[nuclei > 0] = 0
    rng = np.random.default_rng(0)
    image = rng.integers(100, 200, (40, 60, 3)).astype(np.uint8)
    return FieldPixels(image, nuclei, cytoplasm, (0.5, 0.25))


def second_field() -> FieldPixels:
    """One pixel in a corner, and two more cells; nothing is known of cytoplasm."""
    nuclei = np.zeros((30, 25), np.int32)
    nuclei[0, 0] = 1
    nuclei[10:20, 5:10] = 3
    nuclei[10:20, 12:20] = 4
    return FieldPixels(np.full((30, 25, 3), 150, np.uint8), nuclei)


def fields() -> dict[str, FieldPixels]:
    """Both, by name."""
    return {FIRST: first_field(), SECOND: second_field()}


def answers() -> CellAnswers:
    """What is known of their classes.

    A person gave the second cell of the first field a class, and accepted an answer in the second
    field, whose last cell the model did not see.
    """
    measured = {}
    for name, pixels in fields().items():
        numbers = np.unique(pixels.nuclei)[1:].astype(np.intp)
        table = pd.DataFrame({"index": numbers, "y": 0.0, "x": 0.0, "size": 1.0})
        measured[name] = MeasuredField(table, central_pixels(pixels.nuclei, numbers))
    rows = [
        [0.75, 0.25, 0.0],
        [0.5, 0.375, 0.125],
        [0.25, 0.5, 0.25],
        [0.125, 0.75, 0.125],
        [0.0, 1.0, 0.0],
        [0.0, 0.25, 0.75],
        [np.nan] * 3,
    ]
    return CellAnswers(
        cells=MeasuredCells.of(measured),
        classes=tuple(COLOURS),
        given=np.array([-1, 1, -1, -1, -1, 2, -1]),
        origins=np.array(["", "person", "", "", "", "live model", ""]),
        model="live model",
        probabilities=np.array(rows),
        reasons=np.array(["", "", "low probability", "", "", "", ""]),
    )
