"""Bone-marrow microscopy: fields and masks, a classifier for ALL against MM, honest scores.

Everything here is imported when it is first used, so ``import napari_marrow`` costs nothing.
Research use only, never diagnosis.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "MarrowError": "napari_marrow.data.errors",
    "read_bmp": "napari_marrow.data.images",
    "scan": "napari_marrow.data.layouts",
    "augment": "napari_marrow.imaging.augment",
    "AugmentSettings": "napari_marrow.imaging.settings",
    "SegmentSettings": "napari_marrow.imaging.settings",
    "features": "napari_marrow.measure.extract",
    "FeatureSettings": "napari_marrow.measure.settings",
    "chi_square": "napari_marrow.measure.chi2",
    "segment_nuclei": "napari_marrow.imaging.segmentation",
    "TrainingSettings": "napari_marrow.learning.settings",
    "train": "napari_marrow.jobs.train",
    "TrainJob": "napari_marrow.jobs.train",
    "load_bundle": "napari_marrow.learning.bundle",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'napari_marrow' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
