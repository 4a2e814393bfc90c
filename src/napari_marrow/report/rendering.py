"""Fill the templates of reports; what is shown in HTML is escaped and can't change its page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from napari_marrow.data.text import one_line
from napari_marrow.report.colours import RESEARCH_ONLY


@dataclass(frozen=True)
class Table:
    """A table as it is shown: texts, the first column heads the rows."""

    caption: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]


_DIRECTION_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_RIGHT_TO_LEFT = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]+"
_RIGHT_TO_LEFT_WORDS = re.compile(f"{_RIGHT_TO_LEFT}(?: +{_RIGHT_TO_LEFT})*")


def visible(text: str) -> str:
    """Return a text as one line of valid Unicode, without controls of the writing direction."""
    return _DIRECTION_CONTROLS.sub("\ufffd", one_line(text))


def shown(value: object) -> object:
    """Return a text as :func:`visible` does; names from right to left don't turn what follows."""
    if type(value) is not str:  # markup of a template is a subclass
        return value
    return _RIGHT_TO_LEFT_WORDS.sub("\u2068\\g<0>\u2069", visible(value))


@cache
def templates() -> Environment:
    """Return the templates of the report; HTML is escaped."""
    return Environment(
        loader=PackageLoader("napari_marrow.report"),
        autoescape=lambda name: bool(name and name.endswith(".html")),
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, **values: object) -> str:
    """Fill a template."""
    return templates().get_template(template).render(research_only=RESEARCH_ONLY, **values)
