"""Choose the engine that answers for a network: the one asked for, or the fastest that agrees.

``auto`` measures each engine once for a network and a machine and remembers which it chose, so that
the next prediction goes through the same one. ONNX Runtime on the CPU is what others must agree
with, and what answers where they don't.
"""

from __future__ import annotations

import hashlib
import os
import platform
import time
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from napari_marrow.data.cache import recall, remember
from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.model_settings import EngineName
from napari_marrow.learning.onnx.engines import ENGINES, EngineError, installed_engines
from napari_marrow.learning.onnx.inference import Engine, run_network

ENGINE_VARIABLE = "NAPARI_MARROW_ENGINE"
"""The environment variable that names the engine in place of auto."""
DEFAULT: EngineName = "onnxruntime"
MAX_DIFFERENCE = 1e-4
"""Largest difference in probability between an engine and ONNX Runtime on the CPU."""
MIN_GAIN = 1.25
"""How many times as fast another engine must be to be chosen; noise gives less."""
MAX_MEASURED_BYTES = 50_000_000
"""Of a model: compiling a larger one takes longer than labelling a few photographs."""
N_PROBES, N_ROUNDS = 32, 3
"""Random images that engines are compared on, and how often they are timed."""


@dataclass(frozen=True)
class Choice:
    """The engine that answers for a network.

    Attributes
    ----------
    name
        As users choose it.
    engine
        It, opened.
    note
        A sentence, where it is another one than was asked for.
    """

    name: EngineName
    engine: Engine
    note: str = ""

    def describe(self) -> str:
        """Return its name, version and device."""
        return ENGINES[self.name].describe()


@dataclass(frozen=True)
class Probes:
    """Random inputs of a network, the same ones each time."""

    images: NDArray[np.uint8]
    features: NDArray[np.float32] | None

    @classmethod
    def of_shapes(cls, shapes: list[list[int]]) -> Probes:
        """Draw inputs of these shapes: images, and features where there are two."""
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (N_PROBES, *shapes[0]), np.uint8)
        features = rng.normal(size=(N_PROBES, *shapes[1])) if len(shapes) > 1 else None
        return cls(images, None if features is None else features.astype(np.float32))

    def run(self, engine: Engine) -> NDArray[np.float64]:
        """Return what an engine answers."""
        return run_network(engine, self.images, self.features)

    def seconds(self, engine: Engine) -> float:
        """Return how long an engine takes."""
        begun = time.perf_counter()
        self.run(engine)
        return time.perf_counter() - begun


def asked_engine(wanted: EngineName) -> EngineName:
    """Return the engine that is asked for, in place of auto by :data:`ENGINE_VARIABLE`.

    Raises
    ------
    MarrowError
        When it is not installed, or there is none of this name.
    """
    if wanted == "auto":
        wanted = cast("EngineName", os.environ.get(ENGINE_VARIABLE) or "auto")
        if wanted not in ("auto", *ENGINES):
            raise MarrowError(
                f"{ENGINE_VARIABLE} is {wanted}, which is no engine; set it to one of auto, "
                f"{', '.join(ENGINES)}."
            )
    if wanted != "auto" and not ENGINES[wanted].is_installed():
        raise MarrowError(
            f"The engine {wanted} is not installed; install it ({ENGINES[wanted].remedy}), or "
            "choose auto."
        )
    return wanted


def explain_auto() -> str:
    """Return a sentence on how the engine of a network is chosen here."""
    named = os.environ.get(ENGINE_VARIABLE)
    if named and named != "auto":
        try:
            return f"The engine is {asked_engine('auto')}: {ENGINE_VARIABLE} names it."
        except MarrowError as error:
            return str(error)
    if len(installed_engines()) == 1:
        return f"The engine is {DEFAULT}: no other is installed."
    return f"The engine is measured for each network: {DEFAULT}, unless another is much faster."


def other_engines(wanted: EngineName, n_bytes: int) -> list[EngineName]:
    """Return the engines that may answer in place of ONNX Runtime for a model of this size."""
    if wanted != "auto":
        return [] if wanted == DEFAULT else [wanted]
    if n_bytes > MAX_MEASURED_BYTES:
        return []
    return [name for name in installed_engines() if name != DEFAULT]


def choose_engine(
    model: bytes, reference: Engine, shapes: list[list[int]], wanted: EngineName = "auto"
) -> Choice:
    """Return the engine for a network.

    Parameters
    ----------
    model
        The ONNX file.
    reference
        The same network, open in ONNX Runtime on the CPU.
    shapes
        Of each of its inputs, for one image.
    wanted
        The engine asked for; auto takes another than ONNX Runtime only where it is at least 1.25
        times as fast, and agrees.
    """
    others = other_engines(wanted, len(model))
    if not others:
        return Choice(DEFAULT, reference)
    probes = Probes.of_shapes(shapes)
    if wanted != "auto":
        return _open(wanted, model, reference, probes)
    machine = [platform.node(), platform.machine(), *map(str, installed_engines().items())]
    parts = ["engine", hashlib.sha256(model).hexdigest(), *machine]
    known = recall(parts)
    if known is None:
        found = _fastest(others, model, reference, probes)
        remember(parts, {"engine": np.array([found.name])})
        return found
    name = cast("EngineName", str(known["engine"][0]))
    return Choice(DEFAULT, reference) if name == DEFAULT else _open(name, model, reference, probes)


def _open(name: EngineName, model: bytes, reference: Engine, probes: Probes) -> Choice:
    """Open an engine; where it can't run the model, or does not agree, ONNX Runtime answers."""
    try:
        engine = ENGINES[name].open(model)
        difference = np.abs(probes.run(engine) - probes.run(reference)).max()
        if not difference <= MAX_DIFFERENCE:  # also where it is not a number
            raise EngineError(f"its answers differ by {difference:.1g}")
    except (EngineError, MarrowError) as error:
        reason = str(error).rstrip(".")
        note = f"ONNX Runtime on the CPU answers in place of the engine {name}: {reason}."
        return Choice(DEFAULT, reference, note)
    return Choice(name, engine)


def _fastest(others: list[EngineName], model: bytes, reference: Engine, probes: Probes) -> Choice:
    """Return the fastest engine, of those that agree; the first where none is much faster."""
    opened = [_open(name, model, reference, probes) for name in others]
    rivals = [one for one in opened if one.name != DEFAULT]
    if not rivals:
        return Choice(DEFAULT, reference)
    choices = [Choice(DEFAULT, reference), *rivals]
    seconds = [[probes.seconds(one.engine) for one in choices] for _ in range(N_ROUNDS)]
    best = np.min(seconds, axis=0)
    fastest = int(best.argmin())
    return choices[fastest] if best[0] >= MIN_GAIN * best[fastest] else choices[0]
