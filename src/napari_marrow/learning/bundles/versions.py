"""Versions of what is installed, for ``info``, bundles and bug reports."""

from __future__ import annotations

import importlib.metadata
import platform
import sys

LIBRARIES = (
    "napari-marrow",
    "napari",
    "npe2",
    "keras",
    "tensorflow",
    "torch",
    "jax",
    "onnxruntime",
    "onnxruntime-gpu",
    "openvino",
    "numpy",
    "scikit-learn",
)


def versions() -> dict[str, str]:
    """Return the version of Python, the platform, and the versions of installed libraries."""
    found = {"python": platform.python_version(), "platform": sys.platform}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
