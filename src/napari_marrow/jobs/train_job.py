"""What a training job is told; light enough for the viewer to import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_marrow.data.fields import Collection
from napari_marrow.data.options import settings_from_dict
from napari_marrow.learning.settings import TrainingSettings


@dataclass(frozen=True)
class TrainJob:
    """Train on these fields, as these settings say, into this folder."""

    collection: Collection
    settings: TrainingSettings
    out: Path
    force: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The job as JSON, for the child process."""
        return {
            "collection": self.collection.to_dict(),
            "settings": asdict(self.settings),
            "out": str(self.out),
            "force": self.force,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainJob:
        """The job that :meth:`to_dict` wrote down."""
        return cls(
            Collection.from_dict(values["collection"]),
            settings_from_dict(TrainingSettings, values["settings"]),
            Path(values["out"]),
            bool(values.get("force")),
        )
