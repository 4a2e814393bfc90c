"""Why no GPU is seen, on each system, and what the driver's tool says."""

import os
import re
import stat

import pytest

from napari_marrow.jobs.devices import machine_memory
from napari_marrow.learning.network_training import gpu_advice
from napari_marrow.learning.network_training.gpu_advice import nvidia_cards, why_no_gpu

CARD = ["NVIDIA H200, 143771 MiB"]


@pytest.mark.parametrize(
    ("platform", "backend", "cards", "words"),
    [
        ("linux", "tensorflow", [], "driver was not found"),
        ("linux", "tensorflow", CARD, r"H200.*pip install napari-marrow\[gpu\]"),
        ("win32", "tensorflow", CARD, r"native Windows; use WSL 2, or pip.*\[torch\].*=torch"),
        ("win32", "torch", CARD, "wheel of torch that is installed has no CUDA"),
        ("linux", "jax", CARD, "wheel of jax that is installed has no CUDA"),
        ("darwin", "tensorflow", [], r"Mac; to use one, pip install napari-marrow\[torch\]"),
    ],
)
def test_why_no_gpu_is_seen(platform, backend, cards, words):
    assert re.search(words, why_no_gpu(platform, backend, cards))


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo 'NVIDIA H200, 143771 MiB'\necho 'T4, 15360 MiB'", [*CARD, "T4, 15360 MiB"]),
        ("echo 'could not communicate with the driver' >&2\nexit 9", []),
        ("exec sleep 60", []),
    ],
)
def test_cards_are_those_of_the_drivers_tool(tmp_path, monkeypatch, script, expected):
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(gpu_advice, "NVIDIA_TIMEOUT_S", 1)
    assert nvidia_cards() == expected


def test_without_the_driver_there_are_no_cards(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert nvidia_cards() == []


def test_the_memory_of_the_machine_is_that_of_the_kernel():
    (text,) = machine_memory()
    with open("/proc/meminfo") as file:
        kilobytes = int(file.readline().split()[1])
    gigabytes = float(text.removeprefix("CPU, ").removesuffix(" GB"))
    assert gigabytes == pytest.approx(kilobytes * 1024 / 1e9, abs=0.6)
