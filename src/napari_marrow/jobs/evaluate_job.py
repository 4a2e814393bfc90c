"""What an evaluation is asked to do. Light to import, as the viewer makes such jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from napari_marrow.data.fields import Collection
from napari_marrow.data.options import settings_from_dict
from napari_marrow.learning.settings import EvaluateSettings


@dataclass(frozen=True)
class EvaluateJob:
    """Judge a model on photographs with classes; write the result to a folder.

    Attributes
    ----------
    bundle
        The .marrow folder.
    collection
        The photographs.
    out
        The folder to write.
    settings
        How the model is asked.
    groups
        The table that gave the sources, if one did.
    force, strict
        Replace also edited results; end at the first photograph that can't be used.
    """

    bundle: Path
    collection: Collection
    out: Path
    settings: EvaluateSettings = field(default_factory=EvaluateSettings)
    groups: Path | None = None
    force: bool = False
    strict: bool = False

    def to_dict(self) -> dict[str, object]:
        """Return the job as JSON, for the child process."""
        return {
            "bundle": str(self.bundle),
            "collection": self.collection.to_dict(),
            "out": str(self.out),
            "settings": asdict(self.settings),
            "groups": None if self.groups is None else str(self.groups),
            "force": self.force,
            "strict": self.strict,
        }

    @classmethod
    def from_dict(cls, values: Mapping) -> EvaluateJob:
        """Return the job that :meth:`to_dict` stored."""
        groups = values["groups"]
        return cls(
            Path(values["bundle"]),
            Collection.from_dict(values["collection"]),
            Path(values["out"]),
            settings_from_dict(EvaluateSettings, values["settings"]),
            None if groups is None else Path(groups),
            bool(values["force"]),
            bool(values["strict"]),
        )
