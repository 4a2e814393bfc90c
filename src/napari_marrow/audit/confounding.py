"""Tests of whether size, format or acquisition of the photographs goes with their class.

What is counted are sources, not fields: copies of a photograph are no further evidence. One that
is there in two formats counts half for each.
"""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, contingency
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from napari_marrow.audit.findings import MIN_SOURCES, Finding, SummarizedField, join_names
from napari_marrow.audit.verdict import Confounding
from napari_marrow.data.fields import Field

MAX_P_VALUE = 0.05
MIN_CRAMERS_V = 0.3
MAX_ACQUISITIONS = 8
MIN_LOG_COLOUR_SD = 0.017
"""Of the background within an acquisition; measured to separate stain batches best."""
LOSSLESS = {"BMP", "PNG", "TIFF"}
"""Formats of the same pixels: a model can't tell them apart, other than from JPEG."""
CRITERIA = "the colour of the background, the size and the format"


@dataclass(frozen=True)
class Association:
    """How far classes and another property of the sources go together.

    Attributes
    ----------
    table
        Sources by class, then by value of the property.
    p_value
        Of Pearson's chi-square test of independence, with Yates' correction in a table of 2 x 2.
        None where there is one class or one value only.
    cramers_v
        Cramér's V, 0 none to 1 complete (H. Cramér, "Mathematical Methods of Statistics", 1946,
        section 21.9); None as above.
    """

    table: dict[str, tuple[int, ...]]
    p_value: float | None = None
    cramers_v: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the two go together beyond chance, and by more than a little."""
        if self.p_value is None or self.cramers_v is None:
            return False
        return self.p_value < MAX_P_VALUE and self.cramers_v >= MIN_CRAMERS_V


@dataclass(frozen=True)
class Acquisitions:
    """Which sources seem to share an acquisition, and whether that goes with the class.

    Attributes
    ----------
    files
        The first file of each source, by acquisition.
    association
        Sources by class and acquisition, with the test of their independence.
    sentence
        What that means, also where nothing was found or there are too few to say.
    given
        Whether the fields had names of acquisitions, which then count.
    """

    files: tuple[tuple[str, ...], ...]
    association: Association
    sentence: str
    given: bool = False

    def name_fields(
        self, fields: Sequence[Field], label: Callable[[Field], str]
    ) -> tuple[Field, ...]:
        """Give fields the number of their acquisition, from 1, unless one of them has a name."""
        if any(f.acquisition for f in fields):
            return tuple(fields)
        source = {label(f): f.source for f in fields}
        groups = enumerate(self.files, 1)
        number = {source[file]: str(k) for k, files in groups for file in files}
        return tuple(replace(f, acquisition=number.get(f.source, "")) for f in fields)

    def to_dict(self) -> dict[str, object]:
        """Return the figures as a JSON object."""
        return {
            "count": len(self.files),
            "files": self.files,
            **asdict(self.association),
            "sentence": self.sentence,
        }


@dataclass(frozen=True)
class SourceSummary:
    """What is known of the photographs of one source in one class.

    Attributes
    ----------
    files
        As the collection calls them.
    size, format, compression, acquisition
        Of each file; the compression is "lossless" or the format, the acquisition the given name.
    background
        (3,) RGB 0..255, the median; None where none of them shows any.
    """

    source: str
    class_name: str
    files: tuple[str, ...]
    size: tuple[str, ...]
    format: tuple[str, ...]
    acquisition: tuple[str, ...]
    background: NDArray[np.float32] | None

    @property
    def compression(self) -> tuple[str, ...]:
        """What the format of each file leaves to be seen in its pixels."""
        return tuple("lossless" if form in LOSSLESS else form for form in self.format)


def summarize_sources(
    photographs: Sequence[SummarizedField], *, cells: bool = False
) -> list[SourceSummary]:
    """Join photographs by source and class: their own, with ``cells`` also those of their cells."""
    groups: dict[tuple[str, str], list[SummarizedField]] = defaultdict(list)
    for p in photographs:
        annotated = p.field.cell_classes.values() if cells else ()
        for name in dict.fromkeys([p.field.class_name, *annotated]):
            if name:
                groups[p.field.source, name].append(p)
    sources = []
    for (source, class_name), group in groups.items():
        files, formats = tuple(p.label for p in group), tuple(p.summary.format for p in group)
        sizes = tuple(f"{p.summary.size[1]}x{p.summary.size[0]}" for p in group)
        colours = [p.summary.background for p in group if p.summary.background is not None]
        background = np.median(colours, axis=0) if colours else None
        acquisitions = tuple(p.field.acquisition for p in group)
        kinds = sizes, formats, acquisitions
        sources.append(SourceSummary(source, class_name, files, *kinds, background))
    return sources


def associate(
    classes: Sequence[str] | NDArray[np.str_],
    values: Sequence[str] | Sequence[int] | NDArray[np.intp],
    weights: Sequence[float] = (),
) -> Association:
    """Test whether the classes of sources and their values are independent.

    With ``weights``, an observation is that part of a source; those of one source add up to 1.
    """
    (names, others), counts = contingency.crosstab(np.array(classes), np.array(values))
    table = {str(name): tuple(row.tolist()) for name, row in zip(names, counts, strict=True)}
    if min(counts.shape) < 2:
        return Association(table)
    if weights:
        counts = np.zeros(counts.shape)
        cells = np.searchsorted(names, classes), np.searchsorted(others, values)
        np.add.at(counts, cells, weights)
    test = chi2_contingency(counts)
    plain = chi2_contingency(counts, correction=False).statistic
    cramers_v = np.sqrt(plain / counts.sum() / (min(counts.shape) - 1))
    return Association(table, float(test.pvalue), float(cramers_v))


Property = Literal["size", "format", "compression"]


def find_value_with_class(
    sources: Sequence[SourceSummary], name: Literal["size", "format"]
) -> list[Finding]:
    """Find sizes or formats that tell the class: none is in two, or the test says so."""
    classes, values, _ = _observations(sources, name)
    if not _are_separate(classes, values) and not associate_values(sources, name).holds:
        return []
    files_of: dict[tuple[str, str], list[str]] = defaultdict(list)
    for s in sources:
        for value in dict.fromkeys(getattr(s, name)):
            files_of[s.class_name, value].append(s.files[getattr(s, name).index(value)])
    examples = []
    for class_name in sorted(set(classes)):
        own_files = {value: files for (c, value), files in files_of.items() if c == class_name}
        often = sorted(own_files.items(), key=lambda item: -len(item[1]))[:3]
        shown = ", ".join(f"{value} ({len(files)}, as {files[0]})" for value, files in often)
        examples.append(f"{class_name} {shown}")
    sentence = (
        f"The {name} goes with the class: {'; '.join(examples)}. A model can learn that instead of "
        f"the cells, so use files of one {name}."
    )
    return [Finding(f"{name}-with-class", sentence, tuple(s.files[0] for s in sources))]


def associate_values(sources: Sequence[SourceSummary], name: Property) -> Association:
    """Test whether a property of the files goes with the class of their sources."""
    classes, values, weights = _observations(sources, name)
    known = values if _are_separate(classes, values) else _without_rare(values)
    return associate(classes, known, weights)


def _observations(
    sources: Sequence[SourceSummary], name: Property
) -> tuple[list[str], list[str], list[float]]:
    """Return class, value and weight of each value of each source; its weights add up to 1."""
    classes, values, weights = list[str](), list[str](), list[float]()
    for s in sources:
        for value, count in Counter[str](getattr(s, name)).items():
            classes.append(s.class_name)
            values.append(value)
            weights.append(count / len(s.files))
    return classes, values, weights


def _are_separate(classes: Sequence[str], values: Sequence[str]) -> bool:
    """Whether there are several classes, no value is in two of them, and each occurs again."""
    repeated = all(count > 1 for count in Counter(values).values())
    pairs = set(zip(classes, values, strict=True))
    return repeated and len(set(classes)) > 1 and len(pairs) == len(set(values))


def find_confounding(
    sources: Sequence[SourceSummary], acquisitions: Acquisitions
) -> Confounding | None:
    """Return what goes with the class so far that a score of a model says little; else None.

    Where there are too few sources to test it, there is no such verdict. Of formats only what
    shows in the pixels counts, which is all that a model sees.
    """
    found = {
        "acquisition" if acquisitions.given else "camera": acquisitions.association,
        "size": associate_values(sources, "size"),
        "format": associate_values(sources, "compression"),
    }
    held = {
        name: (x.cramers_v, x.p_value)
        for name, x in found.items()
        if x.holds and x.cramers_v is not None and x.p_value is not None
    }
    return Confounding(tuple(held), *max(held.values())) if held else None


def _without_rare(values: Sequence[str]) -> list[str]:
    """Replace values of fewer than five sources by one: "other"."""
    counts = Counter(values)
    return [value if counts[value] >= MIN_SOURCES else "other" for value in values]


def _common_values(values: Iterable[Sequence[str]]) -> list[str]:
    """Return one value of each source: that of its files which most sources have."""
    found = [set(own) for own in values]
    counts = Counter(value for own in found for value in own)
    return [max(own, key=lambda value: (counts[value], value)) for own in found]


def group_by_acquisition(sources: Sequence[SourceSummary]) -> Acquisitions:
    """Tell which sources share an acquisition, and test whether that goes with the class.

    Names that were given count; without any, acquisitions are guessed.
    """
    given = any(any(s.acquisition) for s in sources)
    numbers: dict[Hashable, int] = {}
    if given:
        visible, keys = (
            list(sources),
            list[Hashable](_common_values(s.acquisition for s in sources)),
        )
    else:
        visible = [s for s in sources if s.background is not None]
        kinds = _common_values(
            [f"{form} {size}" for form, size in zip(s.compression, s.size, strict=True)]
            for s in visible
        )
        colours = cluster_backgrounds(np.array([s.background for s in visible]))
        keys = [*zip(_without_rare(kinds), colours, strict=True)]
    groups = [numbers.setdefault(key, len(numbers)) for key in keys]
    files: list[dict[str, None]] = [{} for _ in numbers]  # one of two classes is there once
    for source, group in zip(visible, groups, strict=True):
        files[group][source.files[0]] = None
    classes = np.array([s.class_name for s in visible])
    names, counts = np.unique(classes, return_counts=True)
    enough = np.isin(classes, names[counts >= MIN_SOURCES])
    testable = len(set(classes[enough])) > 1
    association = Association(associate(classes, groups).table)
    if testable:
        tested = associate(classes[enough], np.array(groups)[enough])
        association = replace(tested, table=association.table)
    sentence = _acquisition_sentence(association, files, testable, given)
    return Acquisitions(tuple(map(tuple, files)), association, sentence, given)


def cluster_backgrounds(backgrounds: NDArray[np.float32]) -> list[int]:
    """Cluster (n, 3) background colours; the lowest BIC chooses how many clusters there are.

    Light varies in strength from field to field of one acquisition, and in colour hardly: so the
    colours are seen as log(R/G) and log(B/G), and brightness counts less. The Gaussian mixture has
    one covariance for all clusters (G. Schwarz, "Estimating the dimension of a model", 1978).
    """
    if len(backgrounds) < 2 * MIN_SOURCES:
        return [0] * len(backgrounds)
    red, green, blue = np.log(backgrounds + 1).T
    points = np.stack([red - green, blue - green, 0.1 * (red + green + blue)], axis=1)
    models = [
        GaussianMixture(
            count, covariance_type="tied", reg_covar=MIN_LOG_COLOUR_SD**2, n_init=3, random_state=0
        )
        for count in range(1, min(MAX_ACQUISITIONS, len(points) // MIN_SOURCES) + 1)
    ]
    with threadpool_limits(1), warnings.catch_warnings():  # points are few: threads only wait
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer colours than clusters
        best = min(models, key=lambda model: model.fit(points).bic(points))
    return best.predict(points).tolist()


def _acquisition_sentence(
    association: Association, files: Sequence[Collection[str]], testable: bool, given: bool
) -> str:
    count = sum(map(len, files))
    if not testable:
        seen = "" if given else " whose background is to be seen"
        return (
            "Whether the class goes with the acquisition can't be said: that takes two classes of "
            f"at least {MIN_SOURCES} sources{seen}."
        )
    criteria, seem = ("the names given", "are") if given else (CRITERIA, "seem to be")
    if association.p_value is None:
        may = "are" if given else "may be"
        return f"By {criteria} all {count} sources {may} of one acquisition."
    found = f"{count} sources {seem} of {len(files)} acquisitions"
    figures = f"Cramér's V {association.cramers_v:.2f}, chi-square p {association.p_value:.2g}"
    if not association.holds:
        return (
            f"By {criteria}, {found}, and the class was not found to go with them ({figures}); "
            "that does not prove that it does not."
        )
    groups = "; ".join(f"{name} {list(counts)}" for name, counts in association.table.items())
    examples = join_names(next(iter(group)) for group in files)
    return (
        f"The class goes with the acquisition ({figures}): by {criteria}, {found} (such as "
        f"{examples}), with so many of each class: {groups}. A model can tell the classes by the "
        "stain or the camera alone, and a good score here says little about other photographs."
    )
