"""What will be learnt from open photographs: which of their fields and cells, and of which class.

:func:`learnt_slices` decides it for all: the sentence before a training, the collection that is
trained on, and the measuring of features.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from napari_marrow.data.errors import MarrowError, Stopped
from napari_marrow.data.fields import Field
from napari_marrow.data.progress import never
from napari_marrow.data.text import counted, first_few
from napari_marrow.imaging.run_length import labels_in
from napari_marrow.jobs.events import Emit, Event, ShouldStop, silent
from napari_marrow.viewer.photograph.annotations import AnnotatedSlice, Annotation, strokes_in
from napari_marrow.viewer.photograph.outside import Outside, painted_outside
from napari_marrow.viewer.photograph.photograph import Photograph
from napari_marrow.viewer.photograph.pieces import nuclei_in_pieces
from napari_marrow.viewer.training.not_photographs import why_no_photograph
from napari_marrow.viewer.training.unused import unused_in_copies

NO_CLASS = "no class"
NOT_ANNOTATED = "no cell is annotated"
SEVERAL_CLASSES = "annotated cells of several classes; train on cells, or give the field a class"
NO_NUCLEUS = "no nucleus is in it"
LEARN_FROM_CELLS = "choose the unit cell to learn from them"


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
    uncounted
        Whether all its cells are learnt from, and are not counted yet.
    outside
        What was painted outside its photograph, which is not used.
    in_pieces
        Number of pieces of each nucleus that is not connected.
    repeated
        Whether an earlier slice has the same labels over it: that of the photograph or product.
    """

    photograph: Photograph
    row: int
    class_name: str | None
    annotated: AnnotatedSlice
    units: Mapping[str, int] = field(default_factory=dict)
    left_out: str = ""
    uncounted: bool = False
    outside: Outside = field(default_factory=Outside)
    in_pieces: Mapping[int, int] = field(default_factory=dict)
    repeated: bool = False

    @property
    def counts(self) -> Counter[str]:
        """Number of annotated cells, and of strokes that lie on none or outside, by class."""
        return self.annotated.counts + Counter(self.outside.classes)

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
    uncounted
        Number of further fields by class, whose cells are not counted yet.
    loose_strokes
        Number of strokes by class that lie on no nucleus.
    n_outvoted_strokes
        Number of strokes on nuclei that others of another class cover more of.
    n_unknown_strokes
        Number of strokes painted with a label that has no class.
    n_outside_strokes, n_outside_nuclei
        Number of strokes, and of nuclei, that lie outside their photograph.
    n_unused_cells
        Number of annotated cells that are not used, as the unit is a field that has a class.
    left_out
        Names of fields that are left out, and why.
    notes
        Of nuclei that are not connected, and of layers that a person may think are used, why they
        are not.
    """

    unit: str
    units: Mapping[str, int]
    n_fields: int
    uncounted: Mapping[str, int] = field(default_factory=dict)
    loose_strokes: Mapping[str, int] = field(default_factory=dict)
    n_outvoted_strokes: int = 0
    n_unknown_strokes: int = 0
    n_outside_strokes: int = 0
    n_outside_nuclei: int = 0
    n_unused_cells: int = 0
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, slices: Iterable[LearntSlice], unit: str, photographs: Sequence[Photograph]
    ) -> LearningSummary:
        """Sum up what is learnt from fields, and what a user must know of open photographs."""
        units, uncounted, loose = Counter[str](), Counter[str](), Counter[str]()
        left_out, in_pieces = list[tuple[str, str]](), list[str]()
        n_fields = n_outvoted = n_unknown = n_unused = n_strokes = n_nuclei = 0
        for one in slices:  # none is kept: their arrays would not fit into memory
            units.update(one.units)
            n_fields += not (one.left_out or one.uncounted)
            uncounted.update([str(one.class_name)] if one.uncounted else [])
            left_out += [(one.name, one.left_out)] if one.left_out else []
            if one.repeated:
                continue
            loose.update(one.annotated.loose_classes)
            n_outvoted += one.annotated.n_outvoted
            n_unknown += one.annotated.n_unknown
            n_strokes += len(one.outside.classes)
            n_nuclei += one.outside.n_nuclei
            if unit == "field" and one.photograph.classes[one.row] is not None:
                n_unused += len(one.annotated.classes)  # else they give the field its class
            in_pieces += [
                f"nucleus {number} of {one.name} is in {pieces} pieces and counts as one: "
                "fill each with a label of its own"
                for number, pieces in one.in_pieces.items()
            ]
        return cls(
            unit,
            dict(sorted(units.items())),
            n_fields,
            dict(sorted(uncounted.items())),
            dict(sorted(loose.items())),
            n_outvoted,
            n_unknown,
            n_strokes,
            n_nuclei,
            n_unused,
            tuple(left_out),
            (*first_few(in_pieces), *_notes(photographs)),
        )

    @property
    def n_loose_strokes(self) -> int:
        """Number of strokes that lie on no nucleus."""
        return sum(self.loose_strokes.values())

    def sentence(self, verb: str = "Learns from") -> str:
        """Return for example "Learns from 6 ALL and 6 MM cells of 2 fields; 1 stroke lies ..."."""
        learnt = []
        if self.units:
            learnt.append(_by_class(self.units, self.unit))
            if self.unit == "cell":
                learnt[0] += f" of {counted(self.n_fields, 'field')}"
        if self.uncounted:
            learnt.append(f"the cells of {_by_class(self.uncounted, 'field')}")
        sentences = [f"{verb} {' and '.join(learnt) or 'nothing'}"]
        for name in [x for x, n in self.units.items() if n == 1 and x not in self.uncounted]:
            sentences.append(f"{name} has only one {self.unit}")
        if count := self.n_unused_cells:
            are = counted(count, "annotated cell is", "annotated cells are")
            sentences.append(f"{are} not used because the unit is field: {LEARN_FROM_CELLS}")
        if count := self.n_loose_strokes:
            sentences.append(f"{counted(count, 'stroke lies', 'strokes lie')} on no nucleus")
        if count := self.n_outvoted_strokes:
            lie = counted(
                count, "stroke lies on a nucleus that has", "strokes lie on nuclei that have"
            )
            sentences.append(f"{lie} more of another class")
        if count := self.n_unknown_strokes:
            have = counted(count, "stroke has a label", "strokes have labels")
            sentences.append(f"{have} without a class")
        if count := self.n_outside_strokes:
            sentences.append(
                f"{counted(count, 'stroke lies', 'strokes lie')} outside the photograph"
            )
        if count := self.n_outside_nuclei:
            sentences.append(
                f"{counted(count, 'nucleus lies', 'nuclei lie')} outside the photograph"
            )
        reasons = Counter(reason for _, reason in self.left_out)
        sentences += first_few(
            [
                f"{counted(n, 'field')} left out: {reason.rstrip('.')}"
                for reason, n in reasons.items()
            ]
        )
        return "; ".join([*sentences, *self.notes]) + "."


def _notes(photographs: Sequence[Photograph]) -> list[str]:
    """Say which layers are not used, and which hidden ones are all the same; of each kind a few."""
    chosen = [x for x in photographs if x.chosen]
    used = [f"{x.name} is hidden, and used because it is ticked" for x in chosen if x.hidden]
    nuclei = [
        f"{x.hidden_nuclei} is hidden, but its nuclei count" for x in chosen if x.hidden_nuclei
    ]
    nuclei += [
        f"no layer shows the nuclei of {x.name}: those of its masks count"
        for x in chosen
        if x.nuclei is None and any(_has_masks(x.files[row]) for row in x.chosen if x.files)
    ]
    marks = []
    for photograph, layer in ((x, layer) for x in chosen for layer in x.hidden_annotations):
        count = sum(_count_marks(photograph, layer, row) for row in photograph.chosen)
        one, many = ("stroke", "strokes") if layer.painted else ("cell", "cells")
        are = counted(count, f"{one} is", f"{many} are")
        marks += [f"{layer.name} is hidden: its {are} not used"] if count else []
    unused = [*unused_in_copies(photographs), *(note for x in photographs for note in x.notes)]
    return [
        note for kind in (unused, used, marks, nuclei) for note in first_few([*dict.fromkeys(kind)])
    ]


def _has_masks(one: Field) -> bool:
    return one.labels is not None or "nucleus" in one.mask_kinds


def _count_marks(photograph: Photograph, layer: Annotation, row: int) -> int:
    """Count the strokes of a layer, or its cells with a class."""
    if not (names := layer.classes[row]):
        return 0
    part = photograph.part(layer.data, row)
    return len(strokes_in(part, names)[1] if layer.painted else {*labels_in(part)} & {*names})


def _by_class(counts: Mapping[str, int], word: str) -> str:
    """Return for example "2 ALL and 1 MM fields"."""
    parts = [f"{number} {name}" for name, number in counts.items()]
    text = " and ".join([", ".join(parts[:-1]), *parts[-1:]] if parts[1:] else parts)
    return f"{text} {word}{'s' * (sum(counts.values()) != 1)}"


def learnt_slices(
    photographs: Sequence[Photograph],
    unit: str,
    only_annotated: bool = False,
    emit: Emit = silent,
    should_stop: ShouldStop = never,
    count_all: bool = True,
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
    count_all
        Cells of fields without annotations are counted also where that takes long, as they are to
        be found first.

    Raises
    ------
    Stopped
        When ``should_stop`` returned True.
    """
    slices = [(x, row) for x in photographs for row in x.chosen]
    slices.sort(key=lambda one: one[1] in one[0].copies)  # of copies that are ticked one counts
    known = [(x, row) for x, row in slices if x.classes[row] is not None or x.annotations]
    reasons = why_no_photograph(known, should_stop)
    taken: dict[Hashable, str | None] = {}  # class by what copies of a photograph have in common
    labels: set[Hashable] = set()  # those over each slice
    for number, (photograph, row) in enumerate(slices, 1):
        if should_stop():
            raise Stopped
        try:
            keys = photograph.keys(row)
            if earlier := [key for key in keys if key in taken]:
                raise MarrowError(_ticked_twice(photograph, row, taken[earlier[0]]))
            odd = reasons.get((photograph, row), "")
            one = _learnt(photograph, row, unit, only_annotated, count_all, odd)
            taken |= {} if one.left_out else dict.fromkeys(keys, photograph.classes[row])
            pieces = {} if one.left_out else nuclei_in_pieces(photograph, row)
            nuclei = photograph.nuclei and photograph.nuclei.layer
            over = (row, nuclei, *(x.layer for x in photograph.annotations))
            outside = painted_outside(photograph, row)
            yield replace(one, outside=outside, in_pieces=pieces, repeated=over in labels)
            labels.add(over)
        except MarrowError as error:
            yield LearntSlice(photograph, row, None, AnnotatedSlice(), left_out=str(error))
        emit(Event("progress", f"Read {number} of {len(slices)}", number / len(slices)))


def _ticked_twice(photograph: Photograph, row: int, other: str | None) -> str:
    own = photograph.classes[row]
    if own == other:
        return "the same photograph is ticked twice"
    classes = " and as ".join(name or NO_CLASS for name in (other, own))
    return f"{photograph.field(row).name} is ticked twice, as {classes}; the first counts"


def _learnt(
    photograph: Photograph, row: int, unit: str, only_annotated: bool, count_all: bool, odd: str
) -> LearntSlice:
    annotated, class_name = photograph.annotated(row), photograph.classes[row]
    own = sorted(set(annotated.classes.values()))
    units: Mapping[str, int] = {}
    if only_annotated and not own:
        reason = NOT_ANNOTATED
    elif class_name is None and not own:
        reason = NO_CLASS
    elif odd:
        reason = odd
    elif unit == "field":
        known = class_name or own[0]
        reason = SEVERAL_CLASSES if class_name is None and len(own) > 1 else ""
        units = {} if reason else {known: 1}
    else:
        class_name = None if only_annotated else class_name
        counts = Counter(annotated.classes.values())
        if class_name is not None:
            cells = annotated.cells
            if cells is None:
                cells = photograph.cells(row) if count_all else photograph.labels_at_hand(row)
            if cells is None:
                return LearntSlice(photograph, row, class_name, annotated, uncounted=True)
            counts[class_name] += len(set(labels_in(cells)) - set(annotated.classes))
        units = {name: number for name, number in counts.items() if number}
        reason = "" if units else NO_NUCLEUS
    return LearntSlice(photograph, row, class_name, annotated, units, reason)


def summarize_learning(
    photographs: Sequence[Photograph],
    unit: str,
    only_annotated: bool = False,
    emit: Emit = silent,
    should_stop: ShouldStop = never,
    count_all: bool = True,
    note: Callable[[LearntSlice], None] = lambda one: None,
) -> LearningSummary:
    """Return what a training would learn from; for a worker.

    Parameters
    ----------
    photographs, unit, only_annotated, emit, should_stop, count_all
        As :func:`learnt_slices` takes them.
    note
        Called with every field.

    Raises
    ------
    Stopped
        When ``should_stop`` returned True.
    """

    def noted() -> Iterator[LearntSlice]:
        for one in learnt_slices(
            photographs, unit, only_annotated, emit, should_stop, count_all=count_all
        ):
            note(one)
            yield one

    return LearningSummary.of(noted(), unit, photographs)
