"""What a file of another program says of cells: outlines or numbers with a class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.project.annotations import ClassColour

Corners = NDArray[np.float64]
"""(n, 2) x and y of the corners of a ring, in pixels from the upper left corner of the picture."""


@dataclass(frozen=True, eq=False)
class Mark:
    """A class that was given to what is somewhere in a photograph.

    Attributes
    ----------
    class_name
        The class.
    who
        Who gave it, as :class:`.Given` has it.
    points
        (n, 2) x and y.
    polygons
        Each with the ring around it, then those of its holes.
    is_region
        Whether it may hold several cells, as what a person drew does; else it is one cell.
    """

    class_name: str
    who: str
    points: Corners
    polygons: tuple[tuple[Corners, ...], ...] = ()
    is_region: bool = False


@dataclass(frozen=True, eq=False)
class NumberedMark:
    """A class that was given to a cell by the number of its label.

    Attributes
    ----------
    class_name, who
        As :class:`Mark` has them.
    number
        Of the label.
    image
        What the file calls the photograph; "" where it names none.
    """

    class_name: str
    who: str
    number: int
    image: str = ""


@dataclass(frozen=True, eq=False)
class MarkedFile:
    """What a file holds.

    Attributes
    ----------
    image
        What the file's own name calls the photograph.
    marks
        By place.
    numbered
        By number.
    classes
        In the order they occur, with the colours that the file has; "" where it has none.
    without_class
        How many objects have no class.
    unreviewed
        How many are answers of a model that this program exported, and that nobody changed.
    """

    image: str
    marks: tuple[Mark, ...] = ()
    numbered: tuple[NumberedMark, ...] = ()
    classes: tuple[ClassColour, ...] = ()
    without_class: int = 0
    unreviewed: int = 0
