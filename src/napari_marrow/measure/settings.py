"""Settings of features and of their selection, for forms and the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from napari_marrow.data.options import Settings, option

MEASURED = {
    "histogram": "fraction of pixels per level of red, green, blue and grey",
    "green": "the green part of the histogram alone",
    "fourier": "power of the grey levels by spatial frequency and direction",
    "morphology": "size and shape of nuclei and cells, and the nucleus-to-cell ratio",
    "lobes": "morphology of a nucleus with its lobes as one, and their number",
    "colour": "optical density of nuclei and cytoplasm, against the photograph's background",
    "texture": "chromatin: granularity, co-occurrence, local binary patterns",
    "pixels": "mean levels on a grid of 16 x 16, for the chi-square map",
}
"""Families of features, with what each measures."""
FAMILIES = tuple(MEASURED)
"""In the order of their columns in a table."""
OF_CELLS = frozenset({"morphology", "lobes", "colour", "texture"})
"""Families that are measured cell by cell, whatever the unit."""
DEFAULT_FAMILIES = ("morphology", "lobes", "colour")
"""The default families of models; see docs/reference/features.md on other microscopes."""
AUTO = "auto"
"""Stands for the default families, without what :func:`chosen_families` leaves out."""
STAIN_DEPENDENT_FAMILIES = frozenset(FAMILIES) - {"morphology", "lobes"}
"""Families of levels and densities, which the strength of a stain and the colours and sharpness of
a camera change; the others see outlines alone."""
SIZES = "sizes in pixels and the number of nuclei"
"""What a magnification changes of the families of outlines, in words."""
_SIZE = re.compile(r"(?<!per)_px(_mean|_spread)?$|^nuclei_count$")


def chosen_families(asked: Iterable[str], *, leave_out: bool = False) -> tuple[str, ...]:
    """Return families with those that ``auto`` stands for.

    Parameters
    ----------
    asked
        Names of families, ``auto`` among them or not.
    leave_out
        Leave out of ``auto`` what a stain or a camera changes.
    """
    changed = STAIN_DEPENDENT_FAMILIES if leave_out else frozenset[str]()
    own = [name for name in DEFAULT_FAMILIES if name not in changed]
    every = (name for one in asked for name in (own if one == AUTO else [one]))
    return tuple(dict.fromkeys(every))


def is_size(feature: str) -> bool:
    """Tell whether the magnification changes a feature of outlines: a size in pixels, or a count.

    >>> [is_size(x) for x in ("nucleus_area_px", "cell_area_px_mean", "nucleus_solidity")]
    [True, True, False]
    """
    return _SIZE.search(feature) is not None


@dataclass(frozen=True)
class FeatureSettings(Settings):
    """Families of features, and the unit that is measured."""

    families: tuple[str, ...] = option(
        ("histogram", "fourier"),
        "Families",
        f"Families of features: {', '.join(FAMILIES)}.",
        choices=FAMILIES,
    )
    unit: Literal["field", "cell"] = option(
        "field", "Unit", "One row of the table per field, or per cell."
    )

    def __post_init__(self):
        # JSON knows lists only; columns stand in one order, however families were asked for
        asked = dict.fromkeys(self.families)
        known = [name for name in FAMILIES if name in asked]
        unknown = [name for name in asked if name not in FAMILIES]
        object.__setattr__(self, "families", (*known, *unknown))

    @property
    def needs_nuclei(self) -> bool:
        """Whether nuclei are needed to measure a photograph."""
        return self.unit == "cell" or not OF_CELLS.isdisjoint(self.families)


@dataclass(frozen=True)
class ChiSquareSettings(Settings):
    """Number of features selected by chi-square, and resamples for their stability."""

    select: int = option(
        20, "Select", "Number of features kept, by chi-square score.", low=1, high=5000
    )
    resamples: int = option(
        50,
        "Resamples",
        "Number of random halves of the sources in which the selection is repeated, to report how "
        "stable it is; 0 leaves it out.",
        low=0,
        high=1000,
        lowest="none",
        advanced=True,
    )
    seed: int = option(
        0, "Seed", "The same seed gives the same halves.", low=0, high=2**31 - 1, advanced=True
    )
