"""In what floating-point numbers a network computes as it learns. Imports Keras."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from napari_marrow.learning.network_training.devices import is_cpu

FLOAT16_CAPABILITY, BFLOAT16_CAPABILITY = 7.0, 8.0
"""Compute capability of NVIDIA's GPUs from which on they multiply matrices of these numbers several
times as fast as those of float32 (NVIDIA, "Train with mixed precision", 2023)."""


def choose_precision(wanted: str, device: str) -> str:
    """Return Keras's dtype policy for ``auto``, ``float32`` or ``mixed``, on a device.

    Mixed are weights and sums in float32, products in 16 bits: bfloat16, or float16 with a scaled
    loss on a GPU that has no faster bfloat16 (P. Micikevicius et al., "Mixed precision training",
    2018). ``auto`` is ``mixed`` on a GPU of NVIDIA that multiplies 16 bits faster: on a CPU float32
    is faster (docs/training.md).
    """
    capability = 0.0 if is_cpu(device) else compute_capability()
    has_float16 = FLOAT16_CAPABILITY <= capability < BFLOAT16_CAPABILITY
    if wanted == "float32" or (wanted == "auto" and capability < FLOAT16_CAPABILITY):
        return "float32"
    return "mixed_float16" if has_float16 else "mixed_bfloat16"


def compute_capability() -> float:
    """Return the compute capability of NVIDIA's first GPU; 0 for a GPU of others."""
    found: str | tuple[int, int] = (0, 0)
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow

            (gpu, *_) = tensorflow.config.list_physical_devices("GPU")
            details = tensorflow.config.experimental.get_device_details(gpu)
            found = details.get("compute_capability", found)
        case "torch":
            import torch

            if torch.cuda.is_available() and torch.version.hip is None:
                found = torch.cuda.get_device_capability()
        case "jax":
            import jax

            found = getattr(jax.devices()[0], "compute_capability", found)
    try:
        return float(found if isinstance(found, str) else f"{found[0]}.{found[1]}")
    except ValueError:  # AMD's have names, such as gfx90a
        return 0.0


@contextmanager
def computing_in(policy: str) -> Iterator[None]:
    """Build networks whose layers compute by this dtype policy of Keras."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
