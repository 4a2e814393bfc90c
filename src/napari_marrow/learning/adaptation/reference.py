"""The pictures that a model learnt from, as its bundle keeps them to doubt answers for others.

Of each photograph its signature is kept, to tell that a picture is one of them; and of each field
or cell what it looks like, to tell that another looks like none of them. A field or cell is unlike
those learnt from where it is farther from the nearest of them than they are from those of other
sources: farther than 98 % of such distances, and than the 98 % limit that normally distributed
logarithms of them have, which few distances also tell.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_marrow.audit.appearance import (
    N_MEASUREMENTS,
    THUMBNAIL_PX,
    appearance,
    sample_pixels,
    thumbnail,
)
from napari_marrow.audit.copies import (
    PACKED_SIZE,
    find_copies_in,
    pack_signatures,
    signature_of,
    unpack_signatures,
)
from napari_marrow.data.cache import cached, checksum
from napari_marrow.data.fields import Field
from napari_marrow.data.imports import importing
from napari_marrow.imaging.crops import cut_cells
from napari_marrow.imaging.nuclei import field_labels
from napari_marrow.learning.adaptation.photographs import (
    N_MEASURED,
    UNLIKE_FRACTION,
    PhotographModel,
    measure_photograph,
)
from napari_marrow.learning.adaptation.shift import photograph_models
from napari_marrow.learning.confidence.conformal import ClassModel, Conformal
from napari_marrow.learning.settings import Preprocessing
from napari_marrow.learning.units.samples import cells_of

N_FOLDS = 10
MIN_UNITS = 3
"""Number of fields or cells, and of their sources, that a limit needs at least."""
MAX_UNITS = 2000
"""Number of fields or cells that are kept, drawn at random where there are more."""
MIN_DEVIATION = 1.0
"""Standard deviation of measuring the same picture twice, in grey levels or decibels: what saving
it in another format changes."""
MIN_DISTANCE = 1e-3
COUNTS = frozenset({"photograph_sources", "class_sizes"})
"""Arrays of whole numbers; all others are of 32 bits or more, but for the signatures."""
NOT_NEGATIVE = frozenset(
    {
        "limit",
        "photograph_limits",
        "photograph_batch_limits",
        "photograph_mixed_deviations",
        "class_sizes",
    }
)

Measurements: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class PictureSummary:
    """What a photograph shows and looks like.

    Attributes
    ----------
    signature
        (2, 28, 28), see :func:`~napari_marrow.audit.copies.signature`.
    units
        (n, 16) :func:`~napari_marrow.audit.appearance.appearance` of the field or of its cells.
    photograph
        (9,) what tells its acquisition, see :func:`.measure_photograph`.
    """

    signature: NDArray[np.float32]
    units: Measurements
    photograph: NDArray[np.float32]

    @classmethod
    def of_field(cls, field: Field, preprocessing: Preprocessing) -> PictureSummary:
        """Summarize the photograph of a field; MarrowError where it can't be read."""
        return cls.of(field.image(), field_labels(field), preprocessing)

    @classmethod
    def of(
        cls,
        image: NDArray[np.uint8],
        nuclei: NDArray[np.integer] | None,
        preprocessing: Preprocessing,
    ) -> PictureSummary:
        """Summarize a photograph; its nuclei are found when None."""
        sample, cells = sample_pixels(image), cells_of(image, nuclei)
        photograph = measure_photograph(image, cells)
        if preprocessing.unit == "field":
            return cls(signature_of(sample), appearance(thumbnail(sample)[None]), photograph)
        factor = preprocessing.crop_factor
        units = cached(
            ["appearance", repr(factor), checksum(image, cells)],
            lambda: appearance(cut_cells(image, cells, THUMBNAIL_PX, factor)[0]),
            lambda units: {"units": units},
            lambda arrays: arrays["units"],
        )
        return cls(signature_of(sample), units, photograph)


@dataclass(frozen=True)
class Reference:
    """What is kept of the pictures that a model learnt from and was judged by.

    Attributes
    ----------
    signatures
        (photographs, 804) float16, see :func:`.pack_signatures`; in the order of the fingerprints
        in the bundle.
    units
        (n, 16) what the fields or cells learnt from look like; none where they are too few.
    whitening
        (16, 16) takes the correlations out of the measurements.
    limit
        (1,) largest distance of what is like them.
    photograph_centres, photograph_covariances, photograph_limits, photograph_batch_limits,
    photograph_sources, photograph_mixed_deviations
        (k, 9), (k, 9, 9), (k, 2), (k, 2), (k,) and (k,) the :class:`.PhotographModel` of each
        acquisition; none in older bundles.
    class_centres, class_whitening, class_scores, class_sizes, class_limit
        The :class:`.Conformal`; the scores of all classes are one after the other. None in older
        bundles.
    """

    signatures: NDArray[np.float16]
    units: Measurements
    whitening: NDArray[np.float32]
    limit: NDArray[np.float32]
    photograph_centres: NDArray[np.float32] = field(default_factory=lambda: _none(N_MEASURED))
    photograph_covariances: NDArray[np.float32] = field(
        default_factory=lambda: _none(N_MEASURED, N_MEASURED)
    )
    photograph_limits: NDArray[np.float32] = field(default_factory=lambda: _none(2))
    photograph_batch_limits: NDArray[np.float32] = field(default_factory=lambda: _none(2))
    photograph_sources: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    photograph_mixed_deviations: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    class_centres: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    class_whitening: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    class_scores: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    class_sizes: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    class_limit: NDArray[np.float64] = field(default_factory=lambda: np.full(1, -1.0))

    @classmethod
    def of_summaries(
        cls,
        summaries: Sequence[PictureSummary],
        sources: Sequence[str],
        is_learnt: Sequence[bool],
        acquisitions: Sequence[str],
        classes: Sequence[str],
        little_known: Collection[str] = (),
        seed: int = 0,
    ) -> Reference:
        """Return the reference of photographs.

        Parameters
        ----------
        summaries, sources, is_learnt, acquisitions, classes
            One a photograph; those that were not learnt from tell nothing of what is usual.
        little_known
            Acquisitions of which too few units were learnt from to tell what photographs look like.
        seed
            Of the choice where there are very many units.
        """
        learnt = np.repeat(is_learnt, [len(x.units) for x in summaries])
        groups = np.repeat(sources, [len(x.units) for x in summaries])[learnt]
        units = np.concatenate([x.units for x in summaries])[learnt]
        if len(units) > MAX_UNITS:
            chosen = np.random.default_rng(seed).choice(len(units), MAX_UNITS, replace=False)
            units, groups = units[chosen], groups[chosen]
        if len(np.unique(groups)) < MIN_UNITS:
            units = units[:0]
        packed = pack_signatures(np.stack([x.signature for x in summaries]))
        whitening, limit = np.eye(units.shape[1], dtype=np.float32), np.zeros(1, np.float32)
        if len(units):
            whitening = _whitening(units)
            limit = np.array([limit_of(_distances_between_sources(units, groups))], np.float32)
        is_known = ~np.isin(acquisitions, [*little_known])
        rows = np.flatnonzero(np.array(is_learnt) & is_known)
        measured = np.stack([x.photograph for x in summaries])[rows]
        models = photograph_models(
            measured, *(np.array(x)[rows] for x in (sources, acquisitions, classes))
        )
        return cls(packed, units, whitening, limit).with_photograph_models(models)

    def with_photograph_models(self, models: Sequence[PhotographModel]) -> Reference:
        """Return the reference with what is usual of photographs of each acquisition."""
        if not models:
            return self
        return replace(
            self,
            photograph_centres=np.stack([model.centre for model in models]),
            photograph_covariances=np.stack([model.covariance for model in models]),
            photograph_limits=np.stack([model.limits for model in models]),
            photograph_batch_limits=np.stack([model.batch_limits for model in models]),
            photograph_sources=np.array([model.n_sources for model in models], np.int64),
            photograph_mixed_deviations=np.array([model.mixed_deviation for model in models]),
        )

    def with_conformal(self, conformal: Conformal | None) -> Reference:
        """Return the reference with what is usual of units of each class."""
        if conformal is None:
            return self
        return replace(
            self,
            class_centres=conformal.model.centres,
            class_whitening=conformal.model.whitening,
            class_scores=np.concatenate(conformal.scores),
            class_sizes=np.array([len(own) for own in conformal.scores], np.int64),
            class_limit=np.array([conformal.limit]),
        )

    @cached_property
    def conformal(self) -> Conformal | None:
        """What is usual of units of each class."""
        if not len(self.class_sizes):
            return None
        scores = np.split(self.class_scores, np.cumsum(self.class_sizes)[:-1])
        model = ClassModel(self.class_centres, self.class_whitening)
        return Conformal(model, tuple(scores), float(self.class_limit[0]))

    @cached_property
    def photograph_models(self) -> tuple[PhotographModel, ...]:
        """What is usual of photographs of each acquisition."""
        has_deviations = len(self.photograph_mixed_deviations) > 0  # not in older bundles
        return tuple(
            PhotographModel(
                self.photograph_centres[k],
                self.photograph_covariances[k],
                self.photograph_limits[k],
                self.photograph_batch_limits[k],
                int(count),
                float(self.photograph_mixed_deviations[k]) if has_deviations else np.inf,
            )
            for k, count in enumerate(self.photograph_sources)
        )

    def copies(self, summary: PictureSummary) -> tuple[int, ...]:
        """Return which of the photographs a picture is: re-encoded, scaled, turned or mirrored."""
        return tuple(find_copies_in(summary.signature[None], self._signatures).second.tolist())

    def is_unlike(self, summary: PictureSummary) -> NDArray[np.bool_]:
        """Tell which units look like none that was learnt from; none does without measurements."""
        if not len(self.units):
            return np.zeros(len(summary.units), bool)
        return _distances(summary.units @ self.whitening, self._whitened) > self.limit

    @cached_property
    def _signatures(self) -> NDArray[np.float32]:
        return unpack_signatures(self.signatures)

    @cached_property
    def _whitened(self) -> Measurements:
        return self.units @ self.whitening

    def to_bytes(self) -> bytes:
        """Return the reference as a safetensors file."""
        from safetensors.numpy import save

        # save takes the bytes as they are in memory, whatever the order of the axes
        return save({f.name: np.ascontiguousarray(getattr(self, f.name)) for f in fields(self)})

    @classmethod
    def of_bytes(cls, content: bytes) -> Reference:
        """Return the reference that :meth:`to_bytes` stored; what other versions add is left."""
        from safetensors.numpy import load

        names = {f.name for f in fields(cls)}
        return cls(**{name: x for name, x in load(content).items() if name in names})

    def checked(self, n_photographs: int, n_classes: int) -> Reference:
        """Return the reference itself.

        Raises
        ------
        ValueError
            When its arrays do not fit each other, the photographs or the classes of its bundle.
        """
        models, measured = len(self.photograph_sources), self.class_centres.shape[-1]
        known = n_classes if len(self.class_sizes) else 0
        deviations = (models,) if len(self.photograph_mixed_deviations) else (0,)
        shapes = {
            "signatures": (n_photographs, PACKED_SIZE),
            "units": (len(self.units), N_MEASUREMENTS),
            "whitening": (N_MEASUREMENTS, N_MEASUREMENTS),
            "limit": (1,),
            "photograph_centres": (models, N_MEASURED),
            "photograph_covariances": (models, N_MEASURED, N_MEASURED),
            "photograph_limits": (models, 2),
            "photograph_batch_limits": (models, 2),
            "photograph_sources": (models,),
            "photograph_mixed_deviations": deviations,
            "class_centres": (known, measured),
            "class_whitening": (measured, measured),
            "class_scores": (int(self.class_sizes.sum()),),
            "class_sizes": (known,),
            "class_limit": (1,),
        }
        for name, shape in shapes.items():
            values = getattr(self, name)
            kind, size = ("i", 1) if name in COUNTS else ("f", 2 if name == "signatures" else 4)
            is_right = values.dtype.kind == kind and values.dtype.itemsize >= size
            if values.shape != shape or not is_right:
                wanted = "whole numbers" if name in COUNTS else "numbers"
                raise ValueError(
                    f"{name} is {values.dtype} of shape {values.shape}, not {wanted} of {shape}"
                )
            if not np.isfinite(values).all():  # as if nothing could be unusual
                raise ValueError(f"{name} has values that are no numbers")
            if name in NOT_NEGATIVE and (values < 0).any():
                raise ValueError(f"{name} has negative numbers")
        if (self.photograph_limits == 0).any():
            raise ValueError("photograph_limits has a limit of 0")
        if not all(model.is_valid for model in self.photograph_models):
            raise ValueError("photograph_covariances or photograph_sources can't be of photographs")
        return self


def _none(*shape: int) -> NDArray[np.float32]:
    return np.empty((0, *shape), np.float32)


def limit_of(distances: NDArray[np.floating]) -> float:
    """Return the distance that a unit like others exceeds with a probability of 2 % at most.

    It is the prediction limit of normally distributed logarithms, which also few distances tell,
    and no less than the quantile, as there may be more large ones.
    """
    with importing:
        from scipy.stats import t

    logs, count = np.log(distances), len(distances)
    margin = t.ppf(1 - UNLIKE_FRACTION, count - 1) * logs.std(ddof=1) * np.sqrt(1 + 1 / count)
    return max(
        float(np.exp(logs.mean() + margin)), float(np.quantile(distances, 1 - UNLIKE_FRACTION))
    )


def _distances_between_sources(
    units: Measurements, sources: NDArray[np.str_]
) -> NDArray[np.float64]:
    """Return each unit's distance to the nearest of other sources, which alone set the scale."""
    from sklearn.model_selection import GroupKFold

    found = np.empty(len(units))
    folds = GroupKFold(min(N_FOLDS, len(np.unique(sources))))
    for others, rows in folds.split(units, groups=sources):
        whitening = _whitening(units[others])
        found[rows] = _distances(units[rows] @ whitening, units[others] @ whitening)
    return found


def _whitening(units: Measurements) -> NDArray[np.float32]:
    """Return the matrix by which measurements are multiplied to have unit covariance."""
    from sklearn.covariance import LedoitWolf  # also of fewer units than measurements

    deviations = np.hypot(units.std(axis=0), MIN_DEVIATION)
    covariance = LedoitWolf().fit(units / deviations).covariance_
    covariance += np.diag((MIN_DEVIATION / deviations) ** 2)
    values, vectors = np.linalg.eigh(covariance)
    return (vectors / np.sqrt(values) / deviations[:, None]).astype(np.float32)


def _distances(units: Measurements, others: Measurements) -> NDArray[np.float64]:
    """Return the distance of each unit to the nearest other."""
    with importing:
        from scipy.spatial.distance import cdist

    return np.maximum(cdist(units, others).min(axis=1), MIN_DISTANCE)
