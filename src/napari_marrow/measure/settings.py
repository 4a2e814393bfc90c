"""What can be asked of features and of their selection; forms and commands come from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_marrow.data.options import bound_problems, option

MEASURED = {
    "histogram": "what part of the pixels has which level of red, green, blue and grey",
    "green": "the green part of the histogram alone",
    "fourier": "how fine, and in which directions, the grey levels vary",
    "morphology": "size and outline of nuclei and cells, and how much of a cell its nucleus fills",
    "colour": "optical density of nuclei and cytoplasm, against the photograph's background",
    "texture": "how coarse the chromatin is: grains, co-occurrence, local binary patterns",
    "pixels": "the picture itself on a grid of 16 x 16, which chi-square can be mapped over",
}
"""What each family of features measures."""
FAMILIES = tuple(MEASURED)
"""In the order in which their columns stand in a table."""
OF_CELLS = frozenset({"morphology", "colour", "texture"})
"""Families that are measured cell by cell, whatever the unit."""
DEFAULT_FAMILIES = ("morphology", "colour", "texture")
"""The default families of models; see docs/reference/features.md on other microscopes."""


def family_problems(families: tuple[str, ...]) -> list[str]:
    """What can't work about a choice of families, in a user's words."""
    unknown = [repr(name) for name in families if name not in FAMILIES]
    if unknown:
        return [f"Families has {', '.join(unknown)}; choose from {', '.join(FAMILIES)}."]
    return [] if families else ["Families is empty; choose at least one."]


@dataclass(frozen=True)
class FeatureSettings:
    """Which features to measure, and of what."""

    families: tuple[str, ...] = option(
        ("histogram", "fourier"),
        "Families",
        f"What is measured: {', '.join(FAMILIES)}.",
        choices=FAMILIES,
    )
    unit: Literal["field", "cell"] = option(
        "field", "Unit", "What gets a row: a whole field or each cell."
    )

    def __post_init__(self):
        # JSON knows lists only; columns stand in one order, however families were asked for
        asked = dict.fromkeys(self.families)
        known = [name for name in FAMILIES if name in asked]
        unknown = [name for name in asked if name not in FAMILIES]
        object.__setattr__(self, "families", (*known, *unknown))

    @property
    def needs_nuclei(self) -> bool:
        """Whether a photograph's nuclei have a say in what is measured."""
        return self.unit == "cell" or not OF_CELLS.isdisjoint(self.families)

    def problems(self) -> list[str]:
        """What can't work, in a user's words; empty when all is well."""
        return bound_problems(self) + family_problems(self.families)


@dataclass(frozen=True)
class ChiSquareSettings:
    """How many features are chosen, and how steadily."""

    select: int = option(
        20, "Select", "So many features with the highest chi-square are chosen.", low=1, high=5000
    )
    resamples: int = option(
        50,
        "Resamples",
        "How often halves of the sources choose anew, to see which features are always chosen; "
        "0 leaves it out.",
        low=0,
        high=1000,
        advanced=True,
    )
    seed: int = option(
        0, "Seed", "The same seed draws the same halves.", low=0, high=2**31 - 1, advanced=True
    )

    def problems(self) -> list[str]:
        """What can't work, in a user's words; empty when all is well."""
        return bound_problems(self)
