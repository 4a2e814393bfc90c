"""Which devices there are to train on, asked of the backend itself."""

from __future__ import annotations

from typing import Any

from napari_marrow.jobs.import_keras import start_keras


def devices() -> dict[str, Any]:
    """The devices found, GPUs first, and a sentence about them.

    Imports Keras and its backend, which takes seconds: never call it in the viewer's process.

    Returns
    -------
    dict
        ``devices`` (names such as ``gpu:0``), ``backend``, ``text``.
    """
    start_keras()
    import keras

    from napari_marrow.learning.fit import list_devices

    found = list_devices()
    backend = keras.backend.backend()
    gpus = [name for name in found if name.startswith("gpu")]
    if gpus:
        text = (
            f"{len(gpus)} GPU{'s' * (len(gpus) > 1)} found by {backend}; auto trains on {gpus[0]}."
        )
    else:
        text = f"No GPU was found by {backend}; training runs on the CPU."
    return {"devices": found, "backend": backend, "text": text}
