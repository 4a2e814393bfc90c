"""Import Keras and its backend, once, without the lines they print on every start."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile

from napari_marrow.data.errors import MarrowError

BACKEND_VARIABLE = "KERAS_BACKEND"
BACKENDS = {
    "tensorflow": "pip install napari-marrow",
    "jax": "pip install napari-marrow[jax]",
    "torch": "pip install napari-marrow[torch]",
}
"""What Keras can train with here, and how each is installed."""


def chosen_backend() -> str:
    """Return the backend that the environment names, else TensorFlow."""
    return os.environ.get(BACKEND_VARIABLE) or "tensorflow"


def start_keras() -> None:
    """Import Keras and its backend; show what they print only when the import fails.

    TensorFlow writes several lines to descriptor 2 before its log level is read, so nothing but
    redirecting the descriptor itself keeps a user's terminal free of them.

    Raises
    ------
    MarrowError
        When the environment names a backend that there is not, or that is not installed.
    """
    if "keras" in sys.modules:
        return
    backend = chosen_backend()
    if backend not in BACKENDS:
        raise MarrowError(
            f"{BACKEND_VARIABLE} is {backend}; set it to {' or '.join(BACKENDS)}, or not at all."
        )
    if importlib.util.find_spec(backend) is None:
        raise MarrowError(
            f"{BACKEND_VARIABLE} is {backend}, which is not installed: {BACKENDS[backend]}, or do "
            "not set it."
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 2)
        try:
            from napari_marrow.learning.network_training import devices

            devices.list_devices()  # the backend looks for its devices, and prints, at first use
        except BaseException:  # also an interrupt: what was printed belongs to it
            printed.seek(0)
            os.write(kept, printed.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
