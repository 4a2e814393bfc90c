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


def shown(value: object) -> object:
    """Return a text as one line of valid Unicode, without controls of the writing direction.

    Names in right-to-left scripts need none of those; they would also turn what follows.
    """
    if type(value) is not str:  # markup of a template is a subclass
        return value
    return _DIRECTION_CONTROLS.sub("\ufffd", one_line(value))


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
