"""Options of a form as fields of frozen dataclasses, with label, bounds and help.

The magicgui form, the command-line options and the JSON in a bundle are all made from the same
dataclass; this module holds the few helpers that the dataclasses share.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeVar, get_args, get_origin, get_type_hints

from napari_marrow.data.errors import MarrowError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")


def option(
    default: T,
    label: str,
    help: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    advanced: bool = False,
    choices: tuple[str, ...] = (),
) -> T:
    """Describe one field of a settings dataclass.

    Parameters
    ----------
    default
        Its value when the user gives none.
    label
        Text before the field in a form.
    help
        One sentence for the tooltip and for ``--help``.
    unit
        Unit of the value, shown behind the label ("px", "s").
    low, high
        Smallest and largest valid value, both included.
    advanced
        True for a field that forms fold away.
    choices
        The names that a field of text, or of several names, can take.
    """
    metadata = {
        "label": label,
        "help": help,
        "unit": unit,
        "low": low,
        "high": high,
        "advanced": advanced,
        "choices": choices,
    }
    return dataclasses.field(default=default, metadata=metadata)


def bound_problems(settings: DataclassInstance) -> list[str]:
    """Return a sentence for each field of ``settings`` that is out of bounds or not a choice."""
    hints = get_type_hints(type(settings))
    problems = []
    for field in dataclasses.fields(settings):
        value, meta = getattr(settings, field.name), field.metadata
        name, low, high = meta.get("label", field.name), meta.get("low"), meta.get("high")
        if get_origin(hints[field.name]) is Literal:
            choices = get_args(hints[field.name])
            if value not in choices:
                problems.append(f"{name} is {value!r}; choose one of {', '.join(choices)}.")
        elif isinstance(value, str) and meta.get("choices") and value not in meta["choices"]:
            problems.append(f"{name} is {value!r}; choose one of {', '.join(meta['choices'])}.")
        elif low is not None and not value >= low:
            problems.append(f"{name} is {value}; it must be at least {low}.")
        elif high is not None and not value <= high:
            problems.append(f"{name} is {value}; it must be at most {high}.")
    return problems


def settings_from_dict(kind: type[T], values: Mapping[str, object]) -> T:
    """Make settings of ``kind`` from the JSON object that ``dataclasses.asdict`` gave.

    Keys that this version does not know are passed over (a newer version wrote them).

    Raises
    ------
    MarrowError
        When a value has the wrong type.
    """
    known = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    hints = get_type_hints(kind)
    wrong = [
        name for name, value in values.items() if name in known and not _fits(value, hints[name])
    ]
    if wrong:
        raise MarrowError(f"The settings hold a value of the wrong kind for {', '.join(wrong)}.")
    return kind(**{name: value for name, value in values.items() if name in known})


def _fits(value: object, hint: object) -> bool:
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint) if isinstance(hint, type) else True
