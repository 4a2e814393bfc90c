"""A bundle: the folder that is a trained model. Data, never code; nothing in it is executed.

``bundle.json`` (what it is and how to use it), ``model.onnx``, ``heldout.csv``, ``card.md`` and
``figures/``; of a network also ``weights.safetensors`` and ``history.csv``, of a classical model
``features.csv``, the chi-square score and importance of each feature; ``reference.safetensors``,
what it learnt from looks like, which older bundles don't have. Every file is listed in
``bundle.json`` with its SHA-256, and ``bundle.json`` carries one of itself, so a missing or altered
file is noticed. That is against accidents: who alters on purpose can seal anew.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Field
from napari_marrow.data.outputs import FolderKind, write_csv
from napari_marrow.data.text import one_line
from napari_marrow.learning.bundle_files import BUNDLE_JSON, HELDOUT, ONNX, REFERENCE, WEIGHTS
from napari_marrow.learning.bundles.info import INVALID, BundleInfo
from napari_marrow.learning.bundles.predictor import (
    Observation,
    Prediction,
    Predictor,
    joined_tables,
    predictor_class,
)
from napari_marrow.learning.bundles.sealed import (
    FORMAT,
    SCHEMA,
    bundle_files,
    check_files,
    read_description,
    read_file,
    seal,
    sha256,
)
from napari_marrow.learning.model_settings import Adapt, EngineName
from napari_marrow.learning.registry import KINDS
from napari_marrow.learning.scores.evaluation import Evaluation, find_few_sources

if TYPE_CHECKING:  # opening a bundle to see what it is imports none of these
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from napari_marrow.learning.adaptation.reference import Reference

T = TypeVar("T")


@dataclass(frozen=True)
class Bundle:
    """A trained model on disk, ready to predict.

    Attributes
    ----------
    path, info
        The folder, and its description.
    engine
        What runs it, of a network.
    """

    path: Path
    info: BundleInfo
    engine: EngineName = "auto"

    def with_engine(self, engine: EngineName) -> Bundle:
        """Return the bundle as another engine runs it, always the same one for each engine."""
        if engine == self.engine:
            return self
        return self._by_engine.setdefault(engine, replace(self, engine=engine))

    @cached_property
    def _by_engine(self) -> dict[EngineName, Bundle]:
        return {}

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of its description, which has those of all files: the same for each copy."""
        return sha256(self.path / BUNDLE_JSON)

    @cached_property
    def predictor(self) -> Predictor:
        """The model, opened once.

        Raises
        ------
        MarrowError
            When ``model.onnx`` can't be opened or does not fit the description, or the engine is
            not installed.
        """
        made = predictor_class(self.info.kind)
        return made(self.path / ONNX, self.info, self._reference, self.engine)

    def read(self, name: str, parse: Callable[[bytes], T]) -> T:
        """Return what one of its files holds, as ``parse`` makes it of the bytes.

        Raises
        ------
        MarrowError
            When the file is missing or holds something else.
        """
        return read_file(self.path / name, parse)

    @cached_property
    def _reference(self) -> Reference | None:
        if not (self.path / REFERENCE).is_file():
            return None
        from napari_marrow.learning.adaptation.reference import Reference

        return self.read(
            REFERENCE,
            lambda content: Reference.of_bytes(content).checked(
                len(self.info.fingerprints), len(self.info.classes)
            ),
        )

    def side_of(
        self, seen: Prediction | Observation, digests: Collection[str]
    ) -> Literal["learnt", "held out", None]:
        """Return on which side of the training a photograph was, or None of a new one.

        Parameters
        ----------
        seen
            Its prediction or observation, which tells what it shows.
        digests
            SHA-256 of its file, or of all files that it was made from.
        """
        files = {image for image, digest in self.info.fingerprints.items() if digest in digests}
        images = files.union(seen.copy_of)
        if not images:
            return None
        return "learnt" if images & self.learnt else "held out"

    @cached_property
    def learnt(self) -> frozenset[str]:
        """Names of the photographs it learnt from, those it was validated on among them."""
        import pandas as pd

        def images(content: bytes) -> set[str]:
            return set(pd.read_csv(io.BytesIO(content), usecols=["image"], dtype=str)["image"])

        heldout = self.read(HELDOUT, images)
        published = self.info.settings.protocol == "paper"  # copies stand on both sides
        known = self.info.fingerprints
        return frozenset(image for image in known if published or image not in heldout)

    def predict(self, images: Iterable[NDArray[np.uint8]], adapt: Adapt = "auto") -> pd.DataFrame:
        """Classify photographs: a row a unit, as ``napari-marrow predict`` writes it.

        Parameters
        ----------
        images
            RGB photographs, each (height, width, 3) uint8, of one acquisition.
        adapt
            How features are standardised; see :meth:`.Adaptation.of_batch`.
        """
        seen = [observe_one(self, image).without_labels() for image in images]
        tables = [x.table for x in self.predictor.predict_batch(seen, adapt)]
        return joined_tables(range(len(tables)), tables)


def predict_one(
    bundle: Bundle | Path,
    photograph: Field | NDArray[np.uint8],
    nuclei: NDArray[np.integer] | None = None,
    *,
    keep_labels: bool = False,
) -> Prediction:
    """Classify one photograph by itself."""
    bundle = opened(bundle)
    seen = observe_one(bundle, photograph, nuclei)
    (prediction,) = bundle.predictor.predict_batch([seen])
    return prediction if keep_labels else prediction.without_labels()


def observe_one(
    bundle: Bundle | Path,
    photograph: Field | NDArray[np.uint8],
    nuclei: NDArray[np.integer] | None = None,
    engine: EngineName = "auto",
) -> Observation:
    """Measure one photograph: the one function that the library, every job and the viewer call.

    With the path of a bundle its arguments and its result can be pickled, so that it can run in
    another process, or on another machine that sees the same files.

    Parameters
    ----------
    bundle
        The .marrow folder, which is opened once in each process; or a bundle that is open here.
    photograph
        Its files; or its pixels, (height, width, 3), uint8.
    nuclei
        Instance labels, (height, width), in place of those of the files. Without either they are
        found in the photograph. Read only where the model needs them.
    engine
        What runs the network of a bundle that is opened here.
    """
    from napari_marrow.imaging.nuclei import field_labels

    bundle = opened(bundle, engine)
    nuclei = nuclei if bundle.info.needs_nuclei else None
    if isinstance(photograph, Field):
        if bundle.info.needs_nuclei and nuclei is None:
            nuclei = field_labels(photograph)
        photograph = photograph.image()
    return bundle.predictor.observe(photograph, nuclei)


def opened(bundle: Bundle | Path, engine: EngineName = "auto") -> Bundle:
    """Return a bundle; from its path it is opened once in each process, and when it is replaced."""
    if isinstance(bundle, Bundle):
        return bundle
    description = bundle / BUNDLE_JSON
    written_ns = description.stat().st_mtime_ns if description.exists() else 0
    return _open_once(bundle, written_ns).with_engine(engine)


@lru_cache(maxsize=2)
def _open_once(path: Path, written_ns: int) -> Bundle:
    return load_bundle(path)


def write_bundle(
    folder: Path,
    info: BundleInfo,
    onnx: bytes,
    tables: Mapping[str, pd.DataFrame],
    weights: dict[str, NDArray[np.float32]] | None = None,
    reference: Reference | None = None,
) -> Bundle:
    """Write a bundle into a folder and seal it; the caller renames it into place when complete.

    What is in the folder already (the card, the figures) is sealed with the rest.

    Parameters
    ----------
    folder
        Where to.
    info, onnx
        The content of ``bundle.json``, and the model.
    tables
        Table by the name of its file.
    weights
        Of a network.
    reference
        What the model learnt from looks like.
    """
    from safetensors.numpy import save

    if weights is not None:
        (folder / WEIGHTS).write_bytes(save(weights))
    if reference is not None:
        (folder / REFERENCE).write_bytes(reference.to_bytes())
    (folder / ONNX).write_bytes(onnx)
    for name, table in tables.items():
        write_csv(table, folder / name)
    content: dict[str, object] = {
        "format": FORMAT,
        "schema": SCHEMA,
        "research_use_only": True,
        **info.to_dict(),
        "files": {
            path.relative_to(folder).as_posix(): sha256(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
    }
    content["seal"] = seal(content)
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
    content, description = read_description(path), path / BUNDLE_JSON
    try:
        info = BundleInfo.from_dict(content)
        files = content["files"]
        if info.kind in KINDS:
            info.check()
        if not isinstance(files, dict):
            raise ValueError("its files are no table")
    except INVALID as error:
        raise MarrowError(
            f"{description} was altered or is incomplete ({error}); copy the whole bundle again."
        ) from error
    if info.kind not in KINDS:
        raise MarrowError(
            f"{description} holds a model of the kind {one_line(info.kind)}, which is not known "
            "here; use the version of napari-marrow that made it."
        )
    check_files(path, files, KINDS[info.kind].files)
    if info.evaluation and "few_sources" not in content["evaluation"]:  # of version 0.1
        info = replace(info, evaluation=_with_few_sources(info.evaluation, path / HELDOUT))
    return Bundle(path, info)


def _with_few_sources(evaluation: Evaluation, heldout: Path) -> Evaluation:
    def few_sources(content: bytes) -> dict[str, int]:
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        units = [(row["class"], row["source"]) for row in rows]
        if not units:
            raise ValueError("it has no row")
        return find_few_sources(units, evaluation.classes)

    return replace(evaluation, few_sources=read_file(heldout, few_sources))


BUNDLE = FolderKind("a bundle", bundle_files, (BUNDLE_JSON, ONNX, HELDOUT))
