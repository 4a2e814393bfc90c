"""The job that finds the devices to train on, asked of the backend itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

from napari_marrow.learning.network_training.import_keras import start_keras

NVIDIA_TIMEOUT_S = 10


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
        return not self.devices[0].startswith("cpu")


def devices() -> Devices:
    """Find the devices. Imports Keras and its backend: never call it in the viewer's process."""
    start_keras()
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


def nvidia_cards() -> list[str]:
    """Return name and memory of each card that NVIDIA's driver knows; none without the driver."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        done = subprocess.run(
            [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=NVIDIA_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):  # a driver that does not answer is none
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def machine_memory() -> list[str]:
    """Return the memory of the machine, where the system tells it."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows
        return []
    return [f"CPU, {size / 1e9:.0f} GB"]


def why_no_gpu(platform: str, backend: str, cards: list[str]) -> str:
    """Say why the backend sees no GPU, and what to install.

    Parameters
    ----------
    platform
        As ``sys.platform`` has it.
    backend
        The library that Keras trains with.
    cards
        Those that NVIDIA's driver knows.
    """
    torch = "pip install napari-marrow[torch] and set KERAS_BACKEND=torch"
    if platform == "darwin":
        return f"TensorFlow has no wheel for GPUs of a Mac; to use one, {torch}."
    if not cards:
        return "NVIDIA's driver was not found (nvidia-smi); with a card, install the driver first."
    known = f"The driver knows {cards[0]}"
    if backend == "tensorflow" and platform == "win32":
        return f"{known}, but TensorFlow uses none on native Windows; use WSL 2, or {torch}."
    if backend == "tensorflow":
        return f"{known}, but CUDA's libraries are missing: pip install napari-marrow[gpu]."
    return f"{known}, but the wheel of {backend} that is installed has no CUDA; get one that has."
