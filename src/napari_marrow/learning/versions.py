"""Which versions run: for ``info``, bundles and bug reports."""

from __future__ import annotations

import importlib.metadata
import platform
import sys

_NAMES = (
    "napari-marrow",
    "napari",
    "npe2",
    "keras",
    "tensorflow",
    "torch",
    "jax",
    "onnxruntime",
    "numpy",
    "scikit-learn",
)


def versions() -> dict[str, str]:
    """Version by name of Python, the platform and what is installed of the libraries we lean on."""
    found = {"python": platform.python_version(), "platform": sys.platform}
    for name in _NAMES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
