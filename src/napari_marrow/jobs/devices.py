"""The job that finds the devices to train on, asked of the backend itself."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.network_training.gpu_advice import nvidia_cards, why_no_gpu
from napari_marrow.learning.network_training.import_keras import chosen_backend, start_keras


@dataclass(frozen=True)
class Devices:
    """What a model can be trained on.

    Attributes
    ----------
    devices
        Names such as ``gpu:0``, GPUs first; none where the backend can't be imported.
    backend
        The library that Keras trains with.
    text
        A sentence about them.
    memory
        What is known of the memory of GPUs and of the machine, a text each.
    """

    devices: list[str]
    backend: str
    text: str
    memory: list[str]

    @property
    def has_gpu(self) -> bool:
        """Whether there is a GPU."""
        return any(not name.startswith("cpu") for name in self.devices)


def devices() -> Devices:
    """Find the devices. Imports Keras and its backend: never call it in the viewer's process."""
    try:
        start_keras()
    except MarrowError as error:
        return Devices([], chosen_backend(), str(error), [*nvidia_cards(), *machine_memory()])
    import keras

    from napari_marrow.learning.network_training.devices import choose_devices, is_cpu, list_devices

    found = list_devices()
    backend = keras.backend.backend()
    cards = nvidia_cards()
    gpus = [name for name in found if not is_cpu(name)]
    if gpus:
        count = f"{len(gpus)} GPU{'s' * (len(gpus) > 1)}"
        text = f"{count} found by {backend}; auto trains on {', '.join(choose_devices('auto'))}."
    else:
        why = why_no_gpu(sys.platform, backend, cards)
        text = f"No GPU was found by {backend}; training runs on the CPU. {why}"
    return Devices(found, backend, text, [*cards, *machine_memory()])


def machine_memory() -> list[str]:
    """Return the memory of the machine, where the system tells it."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows
        return []
    return [f"CPU, {size / 1e9:.0f} GB"]
