"""Settings of augmentation and segmentation, for forms and the command line.

They are in a module of their own because the work itself takes a quarter of a second to import.
"""

from __future__ import annotations

from dataclasses import dataclass

from napari_marrow.data.options import Settings, option

OPERATIONS = {
    "rotate90": "rotated by 90 degrees counter-clockwise",
    "rotate180": "rotated by 180 degrees",
    "rotate270": "rotated by 90 degrees clockwise",
    "mirror": "left and right swapped",
    "flip": "top and bottom swapped",
    "edges": "Sobel edges, dark on white",
    "crop-border": "the border removed, the rest not enlarged",
    "translate": "shifted at random",
    "rotate": "rotated at random by a small angle",
    "blur": "blurred by a Gaussian",
    "distort": "distorted elastically at random",
    "equalise": "the histogram of each channel equalized",
    "light": "brightness changed unevenly at random",
    "stain": "optical density of each channel changed at random",
    "noise": "Gaussian noise",
}
"""Operations by name, with what they do."""
RANDOM = frozenset({"translate", "rotate", "blur", "distort", "light", "stain", "noise"})
"""Operations that differ from copy to copy; the others give one copy."""


@dataclass(frozen=True)
class AugmentSettings(Settings):
    """Operations of augmentation and their strengths."""

    operations: tuple[str, ...] = option(
        ("rotate90", "edges"),
        "Operations",
        f"Operations, each applied by itself: {', '.join(OPERATIONS)}.",
        choices=tuple(OPERATIONS),
    )
    copies: int = option(
        1, "Copies", "Number of images that each random operation gives.", low=1, high=64
    )
    seed: int = option(0, "Seed", "The same seed gives the same images.", low=0, high=2**31 - 1)
    originals: bool = option(True, "Originals", "Count and write the photographs themselves too.")
    border: float = option(
        0.05,
        "Border",
        "crop-border: fraction of height and width cut off at each side.",
        low=0,
        high=0.45,
        advanced=True,
    )
    shift: float = option(
        0.1,
        "Shift",
        "translate: largest shift, as a fraction of height and width.",
        low=0,
        high=0.5,
        advanced=True,
    )
    angle: float = option(
        10.0,
        "Angle",
        "rotate: largest angle, in degrees.",
        unit="degrees",
        low=0,
        high=45,
        advanced=True,
    )
    blur: float = option(
        2.0,
        "Blur",
        "blur: largest standard deviation, in pixels.",
        unit="px",
        low=0.7,
        high=4,
        advanced=True,
    )
    distortion: float = option(
        0.01,
        "Distortion",
        "distort: largest displacement, as a fraction of the shorter side.",
        low=0,
        high=0.03,
        decimals=4,
        advanced=True,
    )
    light: float = option(
        0.15, "Light", "light: largest change of brightness.", low=0, high=0.5, advanced=True
    )
    stain: float = option(
        0.1, "Stain", "stain: largest change of density.", low=0, high=0.5, advanced=True
    )
    noise: float = option(
        5.0,
        "Noise",
        "noise: standard deviation, in levels of 255.",
        unit="levels",
        low=0,
        high=50,
        advanced=True,
    )

    def problems(self) -> list[str]:
        """Return what is wrong with the settings, one message each."""
        problems = super().problems()
        if len(set(self.operations)) < len(self.operations):
            problems.append("Operations has one more than once; copies gives more of each.")
        return problems


@dataclass(frozen=True)
class SegmentSettings(Settings):
    """Settings of segmentation; the defaults suit fields and pictures of single cells alike."""

    smallest: int = option(
        0,
        "Smallest",
        "Nuclei of a smaller area, in pixels, are left out; at 0, those far below the others.",
        unit="px",
        low=0,
        high=10**8,
        lowest="automatic",
    )
    largest: int = option(
        0,
        "Largest",
        "Nuclei of a larger area, in pixels, are left out; 0 keeps all.",
        unit="px",
        low=0,
        high=10**8,
        lowest="no limit",
    )
    cut_off: bool = option(
        True, "Cut-off nuclei", "Keep nuclei that the picture's edge cuts off, in full fields."
    )

    def problems(self) -> list[str]:
        """Return what is wrong with the settings, one message each."""
        found = super().problems()
        if 0 < self.largest < self.smallest:
            found.append(f"Largest is {self.largest}; it must be at least {self.smallest}.")
        return found
