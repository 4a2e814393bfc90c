"""The export job: a trained model as one file for other programs."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray

from napari_marrow.data.atomic import atomic_file
from napari_marrow.data.errors import MarrowError
from napari_marrow.learning.bundle_files import CARD, ONNX, WEIGHTS
from napari_marrow.learning.bundles.bundle import Bundle
from napari_marrow.learning.onnx.inference import open_onnx, run_session
from napari_marrow.learning.registry import KINDS

Format: TypeAlias = Literal["onnx", "keras", "bioimage"]
SUFFIXES: dict[Format, str] = {"onnx": ".onnx", "keras": ".keras", "bioimage": ".zip"}
NAPARI_DOI = "10.5281/zenodo.3555620"
N_TEST_UNITS = 2
"""Units of the tensors in a package, by which other programs check that they answer the same."""


@dataclass(frozen=True)
class ExportJob:
    """Write the model of a bundle in a format of other programs."""

    bundle: Bundle
    out: Path
    to: Format


def run_export(job: ExportJob) -> Path:
    """Write the file; return its path, which gets the suffix of the format if it has another.

    Raises
    ------
    MarrowError
        When the model is of a kind that the format can't hold, or can't be opened, what writes it
        is not installed, or the file is there already.
    """
    out = job.out
    if out.suffix != SUFFIXES[job.to]:
        out = out.with_name(out.name + SUFFIXES[job.to])
    write = _WRITERS[job.to]
    if job.to != "onnx" and not KINDS[job.bundle.info.kind].needs_keras:
        raise MarrowError(
            f"{job.bundle.path} is no network but {job.bundle.info.settings.model} on measured "
            "features; export it to onnx."
        )
    job.bundle.predictor  # noqa: B018 - what predict refuses is not exported either
    with atomic_file(out, inputs=[job.bundle.path / ONNX]) as part:
        write(job.bundle, part)
    return out


def _write_onnx(bundle: Bundle, path: Path) -> None:
    path.write_bytes(bundle.read(ONNX, bytes))


def _write_keras(bundle: Bundle, path: Path) -> None:
    """Build the network again, from its name and its weights, and save it as Keras does."""
    from safetensors.numpy import load

    from napari_marrow.learning.network_training.import_keras import start_keras
    from napari_marrow.learning.network_training.rebuild import rebuild
    from napari_marrow.learning.networks import weight_shapes

    start_keras()
    info = bundle.info
    weights = bundle.read(WEIGHTS, load)
    settings, classes, n_features = info.settings, len(info.classes), len(info.features)
    if not settings.has_embedding:  # of which Keras has but a part
        shapes = weight_shapes(replace(settings, weights=""), classes, n_features)
        if weights.keys() != shapes.keys() and _are_of_shapes(weights.values(), shapes.values()):
            raise MarrowError(
                f"{bundle.path / WEIGHTS} names its weights as an older version did, by which they "
                "can't be told apart; train it again, or export it to onnx."
            )
        if any(n not in weights or weights[n].shape != shape for n, shape in shapes.items()):
            raise MarrowError(
                f"{bundle.path / WEIGHTS} does not fit the network {settings.model}; copy the "
                "whole bundle again."
            )
    network = rebuild(settings, classes, weights, n_features)
    network.save(path)


def _are_of_shapes(weights: Iterable[NDArray], shapes: Iterable[tuple[int, ...]]) -> bool:
    """Whether weights are those of a network, but for their names."""
    return Counter(weight.shape for weight in weights) == Counter(shapes)


def _write_package(bundle: Bundle, path: Path) -> None:
    """Write a package as the BioImage Model Zoo has them (bioimage.io, specification 0.5)."""
    try:
        import bioimageio.spec as spec
        import bioimageio.spec.model.v0_5 as bio
    except ImportError as error:
        raise MarrowError(
            "Packages of the BioImage Model Zoo need bioimageio.spec; install it: "
            "pip install napari-marrow[bioimage]."
        ) from error
    with tempfile.TemporaryDirectory() as folder, spec.ValidationContext(perform_io_checks=False):
        described = _describe(bundle, Path(folder), bio)
        spec.save_bioimageio_package(described, output_path=path)


def _describe(bundle: Bundle, folder: Path, bio: Any) -> Any:
    """Return the description of a network, with the files that it names in a folder.

    ``bio`` is the module of the specification's classes.
    """
    import numpy as np
    import onnx

    from napari_marrow.data.outputs import SOFTWARE
    from napari_marrow.report.colours import RESEARCH_ONLY

    info = bundle.info
    model = bundle.read(ONNX, bytes)
    session = open_onnx(model)
    rng = np.random.default_rng(0)
    given = {
        x.name: rng.uniform(0, 255, (N_TEST_UNITS, *x.shape[1:])).astype(np.float32)
        for x in session.get_inputs()
    }
    answers = run_session(session, None, given)[0]
    for name, values in (given | {"probabilities": answers}).items():
        np.save(folder / f"{name}.npy", values)
    (folder / ONNX).write_bytes(model)
    card = bundle.read(CARD, lambda content: content.decode("utf-8"))
    (folder / CARD).write_text(f"{card}\n\n# Validation\n\nSee Result above.\n", "utf-8")
    opset = onnx.load_from_string(model).opset_import[0].version

    def tensor(name: str) -> Any:
        return bio.FileDescr(source=folder / f"{name}.npy")

    side = info.preprocessing.input_size
    plane = [bio.SpaceInputAxis(id=bio.AxisId(name), size=side) for name in "yx"]
    colours = bio.ChannelAxis(channel_names=identifiers(["red", "green", "blue"]))
    levels = bio.IntervalOrRatioDataDescr(type="float32", range=(0, 255))
    inputs = [
        bio.InputTensorDescr(
            id=bio.TensorId("image"),
            description=(
                "RGB, white-balanced to 240: a tile of a field, or a cell in the middle of "
                f"{info.preprocessing.crop_factor:g} diameters of its nucleus."
            ),
            axes=[bio.BatchAxis(), *plane, colours],
            test_tensor=tensor("image"),
            data=levels,
        )
    ]
    if info.features:
        inputs.append(
            bio.InputTensorDescr(
                id=bio.TensorId("features"),
                description="Measured by napari-marrow, standardised by acquisition.",
                axes=[bio.BatchAxis(), bio.ChannelAxis(channel_names=identifiers(info.features))],
                test_tensor=tensor("features"),
            )
        )
    output = bio.OutputTensorDescr(
        id=bio.TensorId("probabilities"),
        description="Of each class, before temperature.",
        axes=[bio.BatchAxis(), bio.ChannelAxis(channel_names=identifiers(info.classes))],
        test_tensor=tensor("probabilities"),
    )
    return bio.ModelDescr(
        name=_name(f"{' against '.join(info.classes)}, {info.settings.model}"),
        description=f"{RESEARCH_ONLY} Trained by {SOFTWARE} on {info.settings.unit}s.",
        authors=[bio.Author(name=f"the user of {SOFTWARE}")],
        cite=[bio.CiteEntry(text=f"{SOFTWARE}, a plugin of napari", doi=bio.Doi(NAPARI_DOI))],
        documentation=bio.FileDescr(source=folder / CARD),
        inputs=inputs,
        outputs=[output],
        weights=bio.WeightsDescr(
            onnx=bio.OnnxWeightsDescr(source=folder / ONNX, opset_version=opset)
        ),
    )


def identifiers(names: Sequence[str]) -> list[str]:
    """Return names of letters, digits and underscores, each of them another one.

    >>> identifiers(["ALL", "no ALL", "no-ALL", "2"])
    ['ALL', 'no_ALL', 'no_ALL_3', 'n2']
    """
    found: list[str] = []
    for number, name in enumerate(names, 1):
        plain = re.sub(r"\W", "_", name)
        plain = plain if plain.isidentifier() else f"n{plain}"
        found.append(plain if plain not in found else f"{plain}_{number}")
    return found


def _name(text: str) -> str:
    """Return a name of at most 128 characters, as the specification has it."""
    return re.sub(r"[^A-Za-z0-9_+\- ()]", "_", text)[:128]


_WRITERS: dict[Format, Callable[[Bundle, Path], None]] = {
    "onnx": _write_onnx,
    "keras": _write_keras,
    "bioimage": _write_package,
}
