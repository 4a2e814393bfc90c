"""The devices that Keras's backend finds, and the one that a training takes. Imports Keras."""

from __future__ import annotations

import keras

from napari_marrow.data.errors import MarrowError


def list_devices() -> list[str]:
    """Return the devices that the backend finds, GPUs first: ``gpu:0`` ..., then ``cpu:0``."""
    names = {str(name).lower() for name in keras.distribution.list_devices()} | {"cpu:0"}
    names = {name.replace("cuda", "gpu") for name in names}
    return sorted(names, key=lambda name: (not name.startswith("gpu"), name))


def choose_device(wanted: str) -> str:
    """Return the device for ``auto``, ``cpu`` or ``gpu``.

    Raises
    ------
    MarrowError
        When a GPU is asked for and none is found.
    """
    for device in list_devices():
        if wanted == "auto" or device.startswith(wanted):
            return device
    raise MarrowError(
        f"No GPU was found by the backend {keras.backend.backend()}; choose the device cpu or "
        "auto, or install the extra napari-marrow[gpu]."
    )
