"""The engines that can run an exported network, and which of them are installed.

A new engine is one entry in :data:`ENGINES`. All get a model as bytes that ONNX Runtime has opened
before: what that refuses (weights in other files, operators that are not known) no other sees.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_marrow.learning.model_settings import EngineName
from napari_marrow.learning.onnx.inference import (
    Engine,
    OnnxRuntime,
    cannot_run,
    open_network,
    open_onnx,
)

if TYPE_CHECKING:
    import openvino

CUDA_PROVIDER = "CUDAExecutionProvider"
CUDA_OPTIONS = {
    "use_tf32": "0",  # which rounds to 10 bits
    "cudnn_conv_algo_search": "HEURISTIC",  # else what is fastest at the moment
}
CUDA_BATCH_SIZE = 64


class EngineError(Exception):
    """An engine can't run a model, with the reason in a few words."""


class OpenVino:
    """OpenVINO on the CPU; its own threads share a batch."""

    # one batch at a time: when Python's threads run requests side by side, OpenVINO sometimes
    # waits for ever, with the interpreter's lock
    name, device, batch_size, n_threads = "openvino", "CPU", 64, 1

    def __init__(self, compiled: openvino.CompiledModel):
        self._request, self._lock = compiled.create_infer_request(), Lock()
        self.inputs = tuple(x.get_any_name() for x in compiled.inputs)
        self.n_classes = compiled.outputs[0].partial_shape[-1].get_length()

    def run(self, given: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the probabilities for one batch."""
        with self._lock:
            try:
                found: NDArray[np.float32] = self._request.infer(dict(given))[0].copy()
            except Exception as error:  # OpenVINO's own kinds have nothing else in common
                raise cannot_run(error) from error
        return found


def open_cuda(model: bytes) -> Engine:
    """Open a network in ONNX Runtime on an NVIDIA card.

    Raises
    ------
    EngineError
        When ONNX Runtime can't use the card.
    """
    import onnxruntime

    onnxruntime.preload_dlls()  # those of CUDA's wheels, where they are installed
    try:
        session = open_onnx(model, ((CUDA_PROVIDER, CUDA_OPTIONS), "CPUExecutionProvider"))
    except Exception as error:
        raise EngineError(str(error).splitlines()[0]) from error
    if CUDA_PROVIDER not in session.get_providers():  # it goes on without a word
        raise EngineError("the driver or CUDA's libraries are missing or do not fit")
    return OnnxRuntime(session, "CUDA", CUDA_BATCH_SIZE, n_threads=1)


def open_openvino(model: bytes) -> Engine:
    """Open a network in OpenVINO.

    Raises
    ------
    EngineError
        When OpenVINO can't read the network.
    """
    import openvino

    core = openvino.Core()
    hints = {"INFERENCE_PRECISION_HINT": "f32"}  # else some processors compute in 16 bits
    try:
        return OpenVino(core.compile_model(core.read_model(model), "CPU", hints))
    except Exception as error:
        raise EngineError("OpenVINO can't read this network") from error


def _has_cuda() -> bool:
    import onnxruntime

    return CUDA_PROVIDER in onnxruntime.get_available_providers()


def _has_openvino() -> bool:
    return importlib.util.find_spec("openvino") is not None


@dataclass(frozen=True)
class EngineSpec:
    """An engine that users can choose.

    Attributes
    ----------
    title
        What it is called in sentences.
    packages
        The packages that it can be part of.
    device
        What it runs on.
    is_installed
        Whether it is there; that it can run a model only opening one tells.
    open
        Opens a model of its bytes, or raises EngineError.
    remedy
        How to install it.
    """

    title: str
    packages: tuple[str, ...]
    device: str
    is_installed: Callable[[], bool]
    open: Callable[[bytes], Engine]
    remedy: str = ""

    def describe(self) -> str:
        """Return its name, version and device."""
        versions = [found for name in self.packages if (found := _version(name))]
        return f"{self.title} {versions[0] if versions else ''}, {self.device}".replace(" ,", ",")


ENGINES: dict[EngineName, EngineSpec] = {
    "onnxruntime": EngineSpec(
        "ONNX Runtime", ("onnxruntime", "onnxruntime-gpu"), "CPU", lambda: True, open_network
    ),
    "cuda": EngineSpec(
        "ONNX Runtime",
        ("onnxruntime-gpu",),
        "CUDA",
        _has_cuda,
        open_cuda,
        "pip uninstall onnxruntime, then pip install onnxruntime-gpu[cuda,cudnn]",
    ),
    "openvino": EngineSpec(
        "OpenVINO",
        ("openvino",),
        "CPU",
        _has_openvino,
        open_openvino,
        "pip install napari-marrow[openvino]",
    ),
}
"""Every engine by the name that users choose; the first is always there."""


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def installed_engines() -> dict[EngineName, str]:
    """Return name and description of each engine that is installed."""
    return {name: spec.describe() for name, spec in ENGINES.items() if spec.is_installed()}


def missing_engines() -> list[str]:
    """Return a sentence for each engine that is not installed, with what to do."""
    return [
        f"The engine {name} ({spec.title}, {spec.device}) is not installed: {spec.remedy}."
        for name, spec in ENGINES.items()
        if not spec.is_installed()
    ]
