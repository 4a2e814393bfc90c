"""A cell that a person is to be asked about."""

from __future__ import annotations

from dataclasses import dataclass

from napari_marrow.data.project.annotations import Asked

OWN_ANSWER = frozenset[Asked]({"random", "again"})
"""Questions whose answer must be the person's own: nothing suggests one."""


@dataclass(frozen=True)
class Chosen:
    """A cell to ask about.

    Attributes
    ----------
    field, index
        Name of its field, and its number there.
    why
        Why it is asked.
    reason
        The same in words, without a full stop.
    suggested
        The class that is suggested; "" for the answer of the model as it is now.
    """

    field: str
    index: int
    why: Asked
    reason: str
    suggested: str = ""
