"""What augmentation and segmentation can be told: the forms and the command line's options.

Apart from the work itself, which takes a quarter of a second to import.
"""

from __future__ import annotations

from dataclasses import dataclass

from napari_marrow.data.options import bound_problems, option

OPERATIONS = {
    "rotate90": "a quarter turn counter-clockwise, exactly",
    "rotate180": "half a turn",
    "rotate270": "a quarter turn clockwise",
    "mirror": "left and right swapped",
    "flip": "top and bottom swapped",
    "edges": "Sobel's gradient, dark on white",
    "crop-border": "the border removed, the rest not enlarged",
    "translate": "shifted at random",
    "rotate": "rotated at random by a small angle",
    "blur": "out of focus",
    "distort": "as if printed on rubber, at random",
    "equalise": "the histogram of each channel spread evenly",
    "light": "brighter or darker, and unevenly so, at random",
    "stain": "optical density of each channel changed at random",
    "noise": "Gaussian noise",
}
"""The operations by name, with what they do."""
RANDOM = frozenset({"translate", "rotate", "blur", "distort", "light", "stain", "noise"})
"""Those that differ from copy to copy; of the others there is one copy."""


@dataclass(frozen=True)
class AugmentSettings:
    """What is made of each photograph, and how strongly."""

    operations: tuple[str, ...] = option(
        ("rotate90", "edges"),
        "Operations",
        f"Each gives pictures of its own: {', '.join(OPERATIONS)}.",
    )
    copies: int = option(
        1, "Copies", "How many pictures an operation gives that is random.", low=1, high=64
    )
    seed: int = option(0, "Seed", "The same seed gives the same pictures.", low=0, high=2**31 - 1)
    originals: bool = option(True, "Originals", "Count and write the photographs themselves too.")
    border: float = option(
        0.05,
        "Border",
        "crop-border: part of the height and width that is cut off at each side.",
        low=0,
        high=0.45,
        advanced=True,
    )
    shift: float = option(
        0.1,
        "Shift",
        "translate: the largest shift, in parts of the height and width.",
        low=0,
        high=0.5,
        advanced=True,
    )
    angle: float = option(
        10.0, "Angle", "rotate: the largest angle.", unit="degrees", low=0, high=45, advanced=True
    )
    blur: float = option(
        2.0,
        "Blur",
        "blur: the largest standard deviation.",
        unit="px",
        low=0.7,
        high=4,
        advanced=True,
    )
    distortion: float = option(
        0.01,
        "Distortion",
        "distort: how far pixels go at most, in parts of the shorter side.",
        low=0,
        high=0.03,
        advanced=True,
    )
    light: float = option(
        0.15, "Light", "light: the largest change of brightness.", low=0, high=0.5, advanced=True
    )
    stain: float = option(
        0.1, "Stain", "stain: the largest change of density.", low=0, high=0.5, advanced=True
    )
    noise: float = option(
        5.0, "Noise", "noise: its standard deviation.", unit="levels", low=0, high=50, advanced=True
    )

    def __post_init__(self):
        # JSON knows lists only
        object.__setattr__(self, "operations", tuple(self.operations))

    def problems(self) -> list[str]:
        """What can't work, in a user's words; empty when all is well."""
        problems = bound_problems(self)
        unknown = [repr(name) for name in self.operations if name not in OPERATIONS]
        if unknown:
            known = ", ".join(OPERATIONS)
            problems.append(f"Operations has {', '.join(unknown)}; choose from {known}.")
        elif not self.operations:
            problems.append("Operations is empty; choose at least one.")
        elif len(set(self.operations)) < len(self.operations):
            problems.append("Operations has one more than once; copies gives more of each.")
        return problems


@dataclass(frozen=True)
class SegmentSettings:
    """What can be asked of a segmentation; the defaults suit all pictures that were tried."""

    smallest: int = option(
        0,
        "Smallest",
        "Nuclei of a smaller area are left out; 0 judges by the others.",
        unit="px",
        low=0,
        high=10**8,
    )
    largest: int = option(
        0,
        "Largest",
        "Nuclei of a larger area are left out; 0 keeps all.",
        unit="px",
        low=0,
        high=10**8,
    )
    cut_off: bool = option(
        True, "Cut-off nuclei", "Keep nuclei that the picture's edge cuts off, in full fields."
    )

    def problems(self) -> list[str]:
        """What can't work, in a user's words; empty when all is well."""
        found = bound_problems(self)
        if 0 < self.largest < self.smallest:
            found.append(f"Largest is {self.largest}; it must be at least {self.smallest}.")
        return found
