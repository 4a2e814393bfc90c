"""What a comparison is asked to do. Light to import, as the viewer makes such jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from napari_marrow.data.fields import Collection
from napari_marrow.data.options import settings_from_dict
from napari_marrow.learning.settings import CompareSettings


@dataclass(frozen=True)
class CompareJob:
    """Compare models on these fields; write the tables to a folder.

    Attributes
    ----------
    collection, out, settings
        What is compared, and how.
    groups
        The table that gave the collection its sources, if one did.
    force, strict
        See ``napari-marrow compare --help``.
    """

    collection: Collection
    out: Path
    settings: CompareSettings = field(default_factory=CompareSettings)
    groups: Path | None = None
    force: bool = False
    strict: bool = False

    def to_dict(self) -> dict[str, object]:
        """Return the job as JSON, for the child process."""
        return {
            "collection": self.collection.to_dict(),
            "out": str(self.out),
            "settings": asdict(self.settings),
            "groups": None if self.groups is None else str(self.groups),
            "force": self.force,
            "strict": self.strict,
        }

    @classmethod
    def from_dict(cls, values: Mapping) -> CompareJob:
        """Return the job that :meth:`to_dict` stored."""
        groups = values["groups"]
        return cls(
            Collection.from_dict(values["collection"]),
            Path(values["out"]),
            settings_from_dict(CompareSettings, values["settings"]),
            None if groups is None else Path(groups),
            bool(values["force"]),
            bool(values["strict"]),
        )
