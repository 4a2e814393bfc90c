"""The devices that Keras's backend finds, and those that a training takes. Imports Keras."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import keras

from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.network_training.gpu_advice import nvidia_cards, why_no_gpu


def list_devices() -> list[str]:
    """Return the devices that the backend finds, GPUs first: ``gpu:0`` ..., then ``cpu:0``."""
    if keras.backend.backend() == "torch":  # of which Keras lists none
        found = _torch_gpus()
    else:
        found = [str(name).lower() for name in keras.distribution.list_devices()]
    names = {name.replace("cuda", "gpu") for name in found} | {"cpu:0"}
    return sorted(names, key=lambda name: (is_cpu(name), name))


def is_cpu(name: str) -> bool:
    """Whether this is the name of a CPU."""
    return name.startswith("cpu")


def _torch_gpus() -> list[str]:
    import torch

    if torch.backends.mps.is_available():  # a Mac has one
        return ["mps:0"]
    return [f"gpu:{number}" for number in range(torch.cuda.device_count())]


def choose_devices(wanted: str) -> tuple[str, ...]:
    """Return the devices for ``auto``, ``cpu`` or ``gpu``: all GPUs, or the CPU.

    With PyTorch it is one GPU: Keras does not share a batch among several there.

    Raises
    ------
    MarrowError
        When a GPU is asked for and none is found.
    """
    found = list_devices()
    gpus = [name for name in found if not is_cpu(name)]
    if wanted == "gpu" and not gpus:
        backend = keras.backend.backend()
        raise MarrowError(
            f"No GPU was found by {backend}; choose the device cpu or auto. "
            + why_no_gpu(sys.platform, backend, nvidia_cards())
        )
    chosen = gpus if gpus and wanted != "cpu" else [name for name in found if is_cpu(name)]
    return tuple(chosen[:1] if keras.backend.backend() == "torch" else chosen)


def on_device(name: str) -> AbstractContextManager:
    """Build networks on one device.

    To PyTorch ``cpu:0`` is another than ``cpu``: Keras's variables would be copied and no longer
    be those of the network.
    """
    is_torch_cpu = is_cpu(name) and keras.backend.backend() == "torch"
    return keras.device("cpu" if is_torch_cpu else name)


@contextmanager
def running_on(devices: tuple[str, ...]) -> Iterator[None]:
    """Build and fit networks on these devices; several share each batch evenly.

    Each holds all weights and sees its part of the batch; their gradients are averaged.
    """
    if len(devices) == 1:
        with on_device(devices[0]):
            yield
    elif keras.backend.backend() == "tensorflow":
        import tensorflow

        with tensorflow.distribute.MirroredStrategy(list(devices)).scope():
            yield
    else:
        with keras.distribution.DataParallel(devices=list(devices)).scope():
            yield
