"""A bundle: the folder that is a trained model. Data, never code; nothing in it is executed.

``bundle.json`` (what it is and how to use it), ``model.onnx``, ``heldout.csv``, ``card.md`` and
``figures/``; of a network also ``weights.safetensors`` and ``history.csv``, of another model
``features.csv``, what chi-square and the model say of each feature. Every file is listed in
``bundle.json`` with its SHA-256, and ``bundle.json`` carries one of itself, so a
missing or altered file is noticed. That is against accidents: who alters on purpose can seal anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.options import settings_from_dict
from napari_marrow.data.outputs import FolderKind
from napari_marrow.learning.settings import Preprocessing, TrainingSettings

if TYPE_CHECKING:  # opening a bundle to see what it is imports none of these
    import onnxruntime
    import pandas as pd
    from numpy.typing import NDArray

SCHEMA = 1
FORMAT = "napari-marrow bundle"
BUNDLE_JSON = "bundle.json"
WEIGHTS, ONNX, HISTORY, HELDOUT = "weights.safetensors", "model.onnx", "history.csv", "heldout.csv"
FEATURES = "features.csv"
OWNED = frozenset({BUNDLE_JSON, WEIGHTS, ONNX, HISTORY, HELDOUT, FEATURES, "card.md", "figures"})
"""All that a bundle holds."""


@dataclass(frozen=True)
class BundleInfo:
    """What ``bundle.json`` says.

    Attributes
    ----------
    classes
        Names of the network's outputs, in order.
    settings
        What the training was told.
    preprocessing
        How pixels become the network's input.
    temperature
        Divides the logarithms of the probabilities before they are shown.
    abstain_below
        An answer with less probability is uncertain.
    evaluation
        What :func:`score_units` said of the held-out units, or None where nothing was held out.
    split
        Source names on each side.
    fingerprints
        SHA-256 of each training photograph by the name of its field.
    notes
        Sentences a reader of the scores must know.
    versions
        Of what it was made with, and the device.
    features
        What a model that is no network takes, in this order; empty for a network.
    """

    classes: tuple[str, ...]
    settings: TrainingSettings
    preprocessing: Preprocessing
    temperature: float = 1.0
    abstain_below: float = 0.6
    evaluation: dict[str, Any] | None = None
    split: dict[str, list[str]] = field(default_factory=dict)
    fingerprints: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    features: tuple[str, ...] = ()

    @property
    def needs_nuclei(self) -> bool:
        """Whether a photograph's nuclei have a say in its answer."""
        return self.preprocessing.features.needs_nuclei


@dataclass(frozen=True)
class Bundle:
    """A trained model on disk, ready to predict."""

    path: Path
    info: BundleInfo

    @cached_property
    def session(self) -> onnxruntime.InferenceSession:
        """The network in ONNX Runtime, opened once.

        Raises
        ------
        MarrowError
            When it is no network, or not of the bundle's features, image size or classes.
        """
        model = self.path / ONNX
        try:
            session = open_onnx(model)
        except Exception as error:  # ONNX Runtime's own kinds have nothing else in common
            raise MarrowError(f"{model} is no ONNX network; train again.") from error
        side = self.info.preprocessing.input_size
        asked = [len(self.info.features)] if self.info.features else [side, side, 3]
        takes, gives = session.get_inputs()[0].shape[1:], session.get_outputs()[-1].shape[-1]
        if takes != asked or gives != len(self.info.classes):
            raise MarrowError(
                f"{model} takes {takes} numbers and tells {gives} classes, its bundle says {asked} "
                f"and {len(self.info.classes)}; train again."
            )
        return session

    def predict(self, images: Any) -> pd.DataFrame:
        """Label photographs: a row a unit, as ``napari-marrow predict`` writes it.

        Parameters
        ----------
        images
            RGB photographs, each (height, width, 3) uint8.
        """
        from napari_marrow.learning.predictor import predict_image, predictions_table

        predictions = [predict_image(self, image) for image in images]
        return predictions_table(range(len(predictions)), predictions)


def open_onnx(model: Path | bytes) -> onnxruntime.InferenceSession:
    """Open an ONNX network on the CPU, from a file or from its bytes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def write_bundle(
    folder: Path,
    info: BundleInfo,
    onnx: bytes,
    tables: Mapping[str, pd.DataFrame],
    weights: dict[str, NDArray] | None = None,
) -> Bundle:
    """Fill a folder with a bundle and seal it; the caller renames it into place when complete.

    What lies in the folder already (the card, the figures) is sealed with the rest.

    Parameters
    ----------
    folder
        Where to.
    info, onnx
        What ``bundle.json`` says, and the model.
    tables
        Table by the name of its file.
    weights
        Of a network.
    """
    from safetensors.numpy import save

    if weights is not None:
        (folder / WEIGHTS).write_bytes(save(weights))
    (folder / ONNX).write_bytes(onnx)
    for name, table in tables.items():
        table.to_csv(folder / name, index=False)
    content = {
        "format": FORMAT,
        "schema": SCHEMA,
        "research_use_only": True,
        **asdict(info),
        "unit": info.settings.unit,
        "files": {
            path.relative_to(folder).as_posix(): sha256(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
    }
    content["seal"] = _seal(content)
    (folder / BUNDLE_JSON).write_text(json.dumps(content, indent=2), encoding="utf-8")
    return Bundle(folder, info)


def load_bundle(path: Path | str) -> Bundle:
    """Open a bundle and check that it is whole.

    Raises
    ------
    MarrowError
        When it is no bundle, of a newer version, or a file is missing or altered.
    """
    path = Path(path)
    if not path.is_dir():
        raise MarrowError(f"{path} is not there or no folder; choose a bundle (a .marrow folder).")
    content = _read_json(path / BUNDLE_JSON)
    if content.get("format") != FORMAT or content.get("schema") != SCHEMA:
        raise MarrowError(
            f"{path / BUNDLE_JSON} is not a bundle of schema {SCHEMA}; "
            "use the version of napari-marrow that made it, or train again."
        )
    if content.get("seal") != _seal(content):
        raise MarrowError(
            f"{path / BUNDLE_JSON} was altered after training; copy the whole bundle again."
        )
    for name in sorted({*_needed(content), *content["files"]}):
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise MarrowError(f"{path / BUNDLE_JSON} names a file outside of it; don't use it.")
        if not (path / name).is_file():
            raise MarrowError(f"{path / name} is missing; copy the whole bundle again.")
        if sha256(path / name) != content["files"].get(name):
            raise MarrowError(
                f"{path / name} was altered after training; copy the whole bundle again."
            )
    return Bundle(path, _info(path, content))


def bundle_files(path: Path) -> frozenset[str]:
    """Return the files that belong to the bundle in a folder; none where it is no bundle."""
    try:
        content = json.loads((path / BUNDLE_JSON).read_text(encoding="utf-8"))
        ours = content["format"] == FORMAT
        return frozenset({BUNDLE_JSON, *content["files"]}) if ours else frozenset()
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()


BUNDLE = FolderKind("a bundle", bundle_files, OWNED)


def _needed(content: dict[str, Any]) -> set[str]:
    """Files that a bundle can't do without."""
    return {ONNX, HELDOUT} | ({FEATURES} if content.get("features") else {WEIGHTS, HISTORY})


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MarrowError(f"{path} is missing; choose a bundle (a .marrow folder).") from None
    except (OSError, ValueError) as error:
        raise MarrowError(f"{path} can't be read as JSON; copy the whole bundle again.") from error
    return content if isinstance(content, dict) else {}


def _info(path: Path, content: dict[str, Any]) -> BundleInfo:
    try:
        return BundleInfo(
            classes=tuple(content["classes"]),
            settings=settings_from_dict(TrainingSettings, content["settings"]),
            preprocessing=settings_from_dict(Preprocessing, content["preprocessing"]),
            temperature=float(content["temperature"]),
            abstain_below=float(content["abstain_below"]),
            evaluation=content["evaluation"],
            split=content["split"],
            fingerprints=content["fingerprints"],
            notes=tuple(content["notes"]),
            versions=content["versions"],
            features=tuple(content.get("features", ())),
        )
    except (AttributeError, KeyError, TypeError, ValueError, MarrowError) as error:
        raise MarrowError(
            f"{path / BUNDLE_JSON} was altered or is incomplete ({error}); "
            "copy the whole bundle again."
        ) from error


def _seal(content: dict[str, Any]) -> str:
    """SHA-256 of what ``bundle.json`` says, its own seal left out."""
    said = {key: value for key, value in content.items() if key != "seal"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
