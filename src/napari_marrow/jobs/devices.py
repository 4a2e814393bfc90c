"""The job that finds the devices to train on, asked of the backend itself."""

from __future__ import annotations

from typing import TypedDict

from napari_marrow.learning.import_keras import start_keras


class Devices(TypedDict):
    """Names such as ``gpu:0``, GPUs first; the backend; and a sentence about them."""

    devices: list[str]
    backend: str
    text: str


def devices() -> Devices:
    """Find the devices. Imports Keras and its backend: never call it in the viewer's process."""
    start_keras()
    import keras

    from napari_marrow.learning.fit import list_devices

    found = list_devices()
    backend = keras.backend.backend()
    gpus = [name for name in found if name.startswith("gpu")]
    text = f"No GPU was found by {backend}; training runs on the CPU."
    if gpus:
        count = f"{len(gpus)} GPU{'s' * (len(gpus) > 1)}"
        text = f"{count} found by {backend}; auto trains on {gpus[0]}."
    return {"devices": found, "backend": backend, "text": text}
