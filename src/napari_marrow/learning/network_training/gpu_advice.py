"""What NVIDIA's driver knows, and why a backend sees no GPU. Light to import."""

from __future__ import annotations

import shutil
import subprocess

NVIDIA_TIMEOUT_S = 10


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
