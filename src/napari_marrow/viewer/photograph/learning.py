"""What will be learnt from open photographs: which of their fields and cells, and of which class.

:func:`learnt_slices` decides it for all: the sentence before a training, the collection that is
trained on, and the measuring of features.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.jobs.events import Emit, Event, ShouldStop, never, silent
from napari_marrow.viewer.photograph.annotations import AnnotatedSlice
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.run_length import labels_in

NO_CLASS = "no class"
NOT_ANNOTATED = "no cell is annotated"
SEVERAL_CLASSES = "annotated cells of several classes; train on cells, or give the field a class"
NO_NUCLEUS = "no nucleus is in it"


@dataclass(frozen=True, eq=False)
class LearntSlice:
    """One field and what is learnt from it.

    Attributes
    ----------
    photograph, row
        Of which it is a slice.
    class_name
        Class of the field, or of its cells without a class of their own; None where these are not
        learnt from.
    annotated
        Its annotated cells, and strokes on no nucleus.
    units
        Number of fields or cells by class.
    left_out
        Why nothing is learnt from it, else ''.
    """

    photograph: Photograph
    row: int
    class_name: str | None
    annotated: AnnotatedSlice
    units: Mapping[str, int] = field(default_factory=dict)
    left_out: str = ""

    @property
    def name(self) -> str:
        """The field's name."""
        return self.photograph.field(self.row).name


@dataclass(frozen=True)
class LearningSummary:
    """What a training learns from.

    Attributes
    ----------
    unit
        ``field`` or ``cell``.
    units
        Number of fields or cells by class.
    n_fields
        Number of fields that these are, or are in.
    loose_strokes
        Number of strokes by class that lie on no nucleus.
    n_unknown_strokes
        Number of strokes painted with a label that has no class.
    n_annotated
        Number of annotated cells.
    left_out
        Names of fields that are left out, and why.
    """

    unit: str
    units: Mapping[str, int]
    n_fields: int
    loose_strokes: Mapping[str, int] = field(default_factory=dict)
    n_unknown_strokes: int = 0
    n_annotated: int = 0
    left_out: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, slices: Iterable[LearntSlice], unit: str) -> LearningSummary:
        """Sum up what is learnt from fields."""
        units, loose, left_out = Counter[str](), Counter[str](), list[tuple[str, str]]()
        n_fields = n_unknown = n_annotated = 0
        for one in slices:  # none is kept: their arrays would not fit into memory
            units.update(one.units)
            loose.update(one.annotated.loose_classes)
            n_fields += not one.left_out
            n_unknown += one.annotated.n_unknown
            n_annotated += len(one.annotated.classes)
            left_out += [(one.name, one.left_out)] if one.left_out else []
        by_class = dict(sorted(units.items())), dict(sorted(loose.items()))
        return cls(
            unit, by_class[0], n_fields, by_class[1], n_unknown, n_annotated, tuple(left_out)
        )

    @property
    def n_loose_strokes(self) -> int:
        """Number of strokes that lie on no nucleus."""
        return sum(self.loose_strokes.values())

    def sentence(self) -> str:
        """Return for example "Learns from 6 ALL and 6 MM cells of 2 fields."."""
        parts = [f"{number} {name}" for name, number in self.units.items()]
        counted = " and ".join([", ".join(parts[:-1]), *parts[-1:]] if parts[1:] else parts)
        learnt = f"Learns from {counted} {_plural(sum(self.units.values()), self.unit)}"
        if not self.units:
            learnt = "Nothing to learn from"
        elif self.unit == "cell":
            learnt += f" of {self.n_fields} {_plural(self.n_fields, 'field')}"
        sentences = [learnt]
        if count := self.n_loose_strokes:
            sentences.append(
                f"{count} {_plural(count, 'stroke')} lie{'s' * (count == 1)} on no nucleus"
            )
        if count := self.n_unknown_strokes:
            have = "stroke has a label" if count == 1 else "strokes have labels"
            sentences.append(f"{count} {have} without a class")
        for reason, count in Counter(reason for _, reason in self.left_out).items():
            sentences.append(f"{count} {_plural(count, 'field')} left out: {reason.rstrip('.')}")
        return "; ".join(sentences) + "."


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"


def learnt_slices(
    photographs: Sequence[Photograph],
    unit: str,
    only_annotated: bool = False,
    emit: Emit = silent,
    should_stop: ShouldStop = never,
) -> Iterator[LearntSlice]:
    """Yield every chosen field of photographs with what is learnt from it; for a worker.

    Parameters
    ----------
    photographs
        With their annotations.
    unit
        ``field`` or ``cell``.
    only_annotated
        Cells that are not annotated, and fields without any that are, are not learnt from. Else
        they have the class of their field.

    Raises
    ------
    Stopped
        When ``should_stop`` returned True.
    """
    slices = [(x, row) for x in photographs for row in x.chosen]
    for number, (photograph, row) in enumerate(slices, 1):
        if should_stop():
            raise Stopped
        try:
            yield _learnt(photograph, row, unit, only_annotated)
        except MarrowError as error:
            yield LearntSlice(photograph, row, None, AnnotatedSlice(), left_out=str(error))
        emit(Event("progress", f"Read {number} of {len(slices)}", number / len(slices)))


def _learnt(photograph: Photograph, row: int, unit: str, only_annotated: bool) -> LearntSlice:
    annotated, class_name = photograph.annotated(row), photograph.classes[row]
    own = sorted(set(annotated.classes.values()))
    units: Mapping[str, int] = {}
    if only_annotated and not own:
        reason = NOT_ANNOTATED
    elif class_name is None and not own:
        reason = NO_CLASS
    elif unit == "field":
        known = class_name or own[0]
        reason = SEVERAL_CLASSES if class_name is None and len(own) > 1 else ""
        units = {} if reason else {known: 1}
    else:
        class_name = None if only_annotated else class_name
        counted = Counter(annotated.classes.values())
        if class_name is not None:
            cells = photograph.cells(row) if annotated.cells is None else annotated.cells
            counted[class_name] += len(set(labels_in(cells)) - set(annotated.classes))
        units = {name: number for name, number in counted.items() if number}
        reason = "" if units else NO_NUCLEUS
    return LearntSlice(photograph, row, class_name, annotated, units, reason)


def summarize_learning(
    photographs: Sequence[Photograph],
    unit: str,
    only_annotated: bool = False,
    emit: Emit = silent,
    should_stop: ShouldStop = never,
) -> LearningSummary:
    """Return what a training would learn from; for a worker.

    Parameters
    ----------
    photographs, unit, only_annotated, emit, should_stop
        As :func:`learnt_slices` takes them.

    Raises
    ------
    Stopped
        When ``should_stop`` returned True.
    """
    slices = learnt_slices(photographs, unit, only_annotated, emit, should_stop)
    return LearningSummary.of(slices, unit)
