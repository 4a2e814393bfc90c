"""What the audit says before a model's score: that class and camera go together. Light to import.

Bundles store it and reports show it, so nothing here needs the statistics that found it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

MAX_ROUNDING = 1e-6
"""What computing an association may be above 1."""
_WORDS = {"size": "image size", "format": "file format"}


@dataclass(frozen=True)
class Confounding:
    """That the classes of a training set go with how its photographs were taken.

    No method can tell the two apart in such a set: a model may have learnt either.

    Attributes
    ----------
    properties
        What goes with the class: "camera" (an acquisition that was found), "acquisition" (one that
        was given), "size" and "format" of the photographs.
    cramers_v, p_value
        Of the property with the strongest association; see :class:`.Association`.
    """

    properties: tuple[str, ...]
    cramers_v: float
    p_value: float

    @property
    def is_valid(self) -> bool:
        """Whether it names what was found, with numbers in their range."""
        figures = self.cramers_v, self.p_value
        return bool(self.properties) and all(0 <= one <= 1 + MAX_ROUNDING for one in figures)

    @property
    def sentence(self) -> str:
        """What a user must know before any answer of the model."""
        return f"{self._fact('the training set')}: the model may go by that and not by the cells."

    def before_score(self, score: str) -> str:
        """Return the sentence that comes before a score, such as "1.00"."""
        return f"{self._fact('this set')}: {score} says nothing about other microscopes."

    @property
    def in_evaluation(self) -> str:
        """What a user must know of errors that were found in this set."""
        return f"{self._fact('the set evaluated')}: errors may go by that and not by the cells."

    def _fact(self, where: str) -> str:
        names = ["Class", *(_WORDS.get(name, name) for name in self.properties)]
        listed = f"{', '.join(names[:-1])} and {names[-1]}"
        return f"{listed} go together in {where} (Cramér's V {self.cramers_v:.2f})"

    def to_dict(self) -> dict[str, object]:
        """Return the finding as JSON, with its sentence."""
        return asdict(self) | {"sentence": self.sentence}

    @classmethod
    def from_dict(cls, values: Mapping) -> Confounding:
        """Return the finding that :meth:`to_dict` stored."""
        return cls(
            tuple(map(str, values["properties"])),
            float(values["cramers_v"]),
            float(values["p_value"]),
        )
