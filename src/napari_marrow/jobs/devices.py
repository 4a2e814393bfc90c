"""The job that finds the devices to train on, asked of the backend itself."""

from __future__ import annotations

from dataclasses import dataclass

from napari_marrow.learning.network_training.import_keras import start_keras


@dataclass(frozen=True)
class Devices:
    """What a model can be trained on.

    Attributes
    ----------
    devices
        Names such as ``gpu:0``, GPUs first.
    backend
        The library that Keras trains with.
    text
        A sentence about them.
    """

    devices: list[str]
    backend: str
    text: str

    @property
    def has_gpu(self) -> bool:
        """Whether there is a GPU."""
        return self.devices[0].startswith("gpu")


def devices() -> Devices:
    """Find the devices. Imports Keras and its backend: never call it in the viewer's process."""
    start_keras()
    import keras

    from napari_marrow.learning.network_training.devices import list_devices

    found = list_devices()
    backend = keras.backend.backend()
    gpus = [name for name in found if name.startswith("gpu")]
    text = f"No GPU was found by {backend}; training runs on the CPU."
    if gpus:
        count = f"{len(gpus)} GPU{'s' * (len(gpus) > 1)}"
        text = f"{count} found by {backend}; auto trains on {gpus[0]}."
    return Devices(found, backend, text)
