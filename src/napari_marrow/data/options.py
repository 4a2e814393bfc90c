"""Options of a form as fields of frozen dataclasses, with label, bounds and help.

The form, the command-line options and the JSON in a bundle are all made from the same
dataclass; this module holds the few helpers that the dataclasses share.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar, Literal, TypeVar, get_args, get_origin, get_type_hints

from napari_marrow.data.errors import MarrowError

T = TypeVar("T")


def option(
    default: T,
    label: str,
    help: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    lowest: str = "",
    decimals: int = 2,
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
    lowest
        What the smallest value means, shown in its place in a form ("automatic").
    decimals
        Digits behind the point that a form shows.
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
        "lowest": lowest,
        "decimals": decimals,
        "advanced": advanced,
        "choices": choices,
    }
    return dataclasses.field(default=default, metadata=metadata)


class Settings:
    """A frozen dataclass of options; those made by :func:`option` are checked by their metadata."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field]]

    def __post_init__(self):
        for field in dataclasses.fields(self):
            if isinstance(field.default, tuple):  # JSON knows lists only
                object.__setattr__(self, field.name, tuple(getattr(self, field.name)))

    def problems(self) -> list[str]:
        """Return a sentence for each option that is out of bounds or not a choice."""
        hints = get_type_hints(type(self))
        problems = []
        for field in dataclasses.fields(self):
            value, meta = getattr(self, field.name), field.metadata
            name, low, high = meta.get("label", field.name), meta.get("low"), meta.get("high")
            is_literal = get_origin(hints[field.name]) is Literal
            choices = get_args(hints[field.name]) if is_literal else meta.get("choices", ())
            if isinstance(value, tuple):
                unknown = [repr(v) for v in value if choices and v not in choices]
                if unknown:
                    known = ", ".join(choices)
                    problems.append(f"{name} has {', '.join(unknown)}; choose from {known}.")
                elif not value:
                    problems.append(f"{name} is empty; choose at least one.")
            elif choices and value not in choices:
                problems.append(f"{name} is {value!r}; choose one of {', '.join(choices)}.")
            elif low is not None and not value >= low:
                problems.append(f"{name} is {value}; it must be at least {low}.")
            elif high is not None and not value <= high:
                problems.append(f"{name} is {value}; it must be at most {high}.")
        return problems

    def texts(self) -> dict[str, str]:
        """Return the value of each option as a text, as the command line takes it."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {
            name: ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            for name, value in values.items()
        }

    def check(self) -> None:
        """Raise MarrowError for options that can't work."""
        if problems := self.problems():
            raise MarrowError(" ".join(problems))


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
    if get_origin(hint) is tuple:  # of any number of values of one type; JSON knows lists only
        kind = get_args(hint)[0]
        return isinstance(value, tuple | list) and all(_fits(one, kind) for one in value)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint) if isinstance(hint, type) else True
