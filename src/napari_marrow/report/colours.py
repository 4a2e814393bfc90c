"""One fixed colour a class, distinguishable also with colour blindness (Okabe and Ito, 2008)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

FIXED = {"ALL": "#E69F00", "MM": "#009E73"}
_OTHERS = ("#56B4E9", "#D55E00", "#CC79A7", "#0072B2", "#F0E442")
UNCERTAIN = "#BBBBBB"
ASKED = "#00FFFF"
"""Of the cell that a person is asked about: of no class."""
_NAMES = {
    "#E69F00": "orange",
    "#009E73": "green",
    "#56B4E9": "light blue",
    "#D55E00": "red",
    "#CC79A7": "pink",
    "#0072B2": "blue",
    "#F0E442": "yellow",
    UNCERTAIN: "grey",
}
TRAINING, VALIDATION = "#0072B2", "#D55E00"
"""Of the curves of losses."""
RUNS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Of the curves of several trainings."""

RESEARCH_ONLY = "Research use only, never diagnosis."
_HEALTHY = {"healthy", "normal", "hem", "control", "controls", "benign"}
"""Names of classes of cells without the disease, as published sets have them."""


def classes_only(classes: Sequence[str]) -> str:
    """Say that a picture of another class gets one of these, which stands where results are shown.

    >>> classes_only(("ALL", "MM"))
    'There is no healthy class: a picture that is neither gets an answer too, unless marked.'
    """
    others = "neither" if len(classes) == 2 else "none of these"
    if any(name.casefold() in _HEALTHY for name in classes):
        first = f"It knows only {' and '.join(classes)}"
    else:
        first = "There is no healthy class"
    return f"{first}: a picture that is {others} gets an answer too, unless marked."


def class_colours(classes: Sequence[str]) -> dict[str, str]:
    """Return the colour of each class as ``#RRGGBB``: those of ALL and MM are fixed."""
    others = [name for name in classes if name not in FIXED]
    taken = {name: _OTHERS[k % len(_OTHERS)] for k, name in enumerate(others)}
    return {name: FIXED.get(name) or taken[name] for name in classes}


def free_colour(name: str, taken: Collection[str]) -> str:
    """Return the colour of one more class: one that no other has, as long as there are some.

    >>> free_colour("blast", ["#E69F00", "#56b4e9"]), free_colour("MM", [])
    ('#D55E00', '#009E73')
    """
    used = {x.upper() for x in taken}
    own = [FIXED[name]] if name in FIXED else []
    free = [x for x in (*own, *_OTHERS, *FIXED.values()) if x not in used]
    return free[0] if free else _OTHERS[len(used) % len(_OTHERS)]


def colour_name(colour: str) -> str:
    """Return what people call one of these colours, for text that can't be coloured."""
    return _NAMES[colour]


def rgb(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0 to 255, of ``#RRGGBB``."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
