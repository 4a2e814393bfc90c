"""What in a collection would make a score too good: masks, copies, and what goes with the class.

A scan reads names and headers; the audit looks at pixels, a sample of each photograph. It changes
nothing and decides nothing: every finding is a sentence for the user that names the files.
"""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_marrow.audit.confounding import Association, associate, common, group_acquisitions
from napari_marrow.audit.image_summary import (
    Look,
    is_copy_with_white,
    is_drawn,
    look_at,
    near_copies,
)
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection, Field

FEWEST = 5  # sources a class; with fewer nothing can be said of a class
LOOKED_AT = "the colour of the background, the size and the format"


@dataclass(frozen=True)
class Finding:
    """One thing the user should know.

    Attributes
    ----------
    kind
        "mask-as-image", "duplicate", "near-duplicate", "source-in-two-classes",
        "size-with-class", "format-with-class", "acquisition-with-class" or "too-few".
    sentence
        What was found, in which files, and what to do.
    files
        All files it is about, as the collection calls them.
    """

    kind: str
    sentence: str
    files: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The finding as a JSON object."""
        return {"kind": self.kind, "sentence": self.sentence, "files": list(self.files)}


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
    """

    files: tuple[tuple[str, ...], ...]
    association: Association
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """The figures as a JSON object."""
        return {
            "count": len(self.files),
            "files": [list(group) for group in self.files],
            **self.association.to_dict(),
            "sentence": self.sentence,
        }


@dataclass(frozen=True)
class Audit:
    """What the audit of a collection found."""

    findings: tuple[Finding, ...]
    acquisitions: Acquisitions

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the user should know, a sentence or two a finding."""
        return tuple(finding.sentence for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """The audit as one JSON object."""
        return {
            "findings": [finding.to_dict() for finding in self.findings],
            "acquisitions": self.acquisitions.to_dict(),
        }


@dataclass(frozen=True)
class _Seen:
    """A field whose photograph could be looked at."""

    field: Field
    label: str
    look: Look


def audit(collection: Collection) -> Audit:
    """Look for what would make a score on this collection too good.

    Photographs that can't be read are passed over: the scan has said so.

    Parameters
    ----------
    collection
        Fields, with or without classes.

    Returns
    -------
    Audit
        Masks among the photographs, copies, sources in two classes, sizes, formats and acquisitions
        that go with the class, and classes of too few sources. Masks are left out of the rest.
    """
    seen = []
    for f in collection.fields:
        with contextlib.suppress(MarrowError, OSError):
            seen.append(_Seen(f, collection.label(f), look_at(f)))
    masks, photographs = _sort_out_masks(seen)
    duplicates, different = _duplicates(photographs)
    findings = [*masks, *duplicates, *_near_duplicates(different)]
    findings += _sources_in_two_classes(photographs)
    units = _units(photographs)
    findings += _with_class(units, "size") + _with_class(units, "format")
    acquisitions = _acquisitions(units)
    if acquisitions.association.holds:
        files = tuple(label for group in acquisitions.files for label in group)
        findings.append(Finding("acquisition-with-class", acquisitions.sentence, files))
    return Audit((*findings, *_too_few(photographs)), acquisitions)


def _sort_out_masks(seen: list[_Seen]) -> tuple[list[Finding], list[_Seen]]:
    """Findings about masks that are named like photographs, and the photographs without them."""
    drawn = [s.label for s in seen if is_drawn(s.look)]
    by_size = defaultdict(list)
    for s in seen:
        by_size[s.look.size].append(s)
    copied, photographs = {}, []
    for s in seen:
        if s.label in drawn:
            continue
        of = None
        if (s.look.points == 255).all(axis=1).any():
            others = (o for o in by_size[s.look.size] if o is not s)
            of = next((o for o in others if is_copy_with_white(s.look, o.look)), None)
        if of is None:
            photographs.append(s)
        else:
            copied[s.label] = f"{s.label} (of {of.label})"
    advice = "They would be learnt from: remove them, or give them a mask's name."
    findings = []
    if drawn:
        text = f"Masks by their pixels, of a few flat colours: {_listed(drawn)}. {advice}"
        findings.append(Finding("mask-as-image", text, tuple(drawn)))
    if copied:
        text = (
            "Masks by their pixels, copies of a photograph with parts set to white: "
            f"{_listed(copied.values())}. {advice}"
        )
        findings.append(Finding("mask-as-image", text, tuple(copied)))
    return findings, photographs


def _duplicates(photographs: list[_Seen]) -> tuple[list[Finding], list[_Seen]]:
    """Findings about files of the same pixels, whatever their format, and one file of each."""
    by_digest = defaultdict(list)
    for s in photographs:
        by_digest[s.look.digest].append(s)
    findings: list[Finding] = []
    copies: set[str] = set()
    for first, *others in by_digest.values():
        same = [o for o in others if _same_pixels(first.field, o.field)]
        if same:
            findings.append(
                _copies("duplicate", [first, *same], "the same picture, pixel for pixel")
            )
            copies.update(o.label for o in same)
    return findings, [s for s in photographs if s.label not in copies]


def _same_pixels(first: Field, second: Field) -> bool:
    return np.array_equal(first.open(), second.open())


def _near_duplicates(different: list[_Seen]) -> list[Finding]:
    """Turned, mirrored, re-encoded or brightened copies; those of one source are known as such."""
    group = list(range(len(different)))
    turns: dict[int, set[int]] = defaultdict(set)
    for i, j, turn in near_copies([s.look for s in different]):
        old, new = group[j], group[i]
        group = [new if number == old else number for number in group]
        turns[new] |= turns.pop(old, set()) | {turn}
    findings = []
    for number, how in turns.items():
        same = [s for s, n in zip(different, group, strict=True) if n == number]
        if len({s.field.source for s in same}) > 1:
            is_turned = "turned or mirrored" if how - {0} else "saved or developed in another way"
            findings.append(_copies("near-duplicate", same, f"one picture, {is_turned}"))
    return findings


def _copies(kind: str, same: list[_Seen], what: str) -> Finding:
    labels = tuple(s.label for s in same)
    sentence = f"{_listed(labels)} are {what}"
    classes = sorted({s.field.class_name for s in same if s.field.class_name})
    if len(classes) > 1:
        sentence = (
            f"IN TWO CLASSES, {' and '.join(classes)}: {sentence}; at least one has the wrong "
            "class, so find out which and remove it before any training."
        )
    elif len({s.field.source for s in same}) > 1:
        sentence += (
            ", under different sources: one could be learnt from and another judged by; remove "
            "the copies, or give them one source with --groups."
        )
    else:
        sentence += "; they count as one source, and one of them is enough."
    return Finding(kind, sentence, labels)


def _sources_in_two_classes(photographs: list[_Seen]) -> list[Finding]:
    by_source = defaultdict(list)
    for s in photographs:
        if s.field.class_name:
            by_source[s.field.source].append(s)
    findings = []
    for source, group in by_source.items():
        classes = sorted({str(s.field.class_name) for s in group})
        if len(classes) > 1:
            labels = tuple(s.label for s in group)
            sentence = (
                f"The source {source} is in two classes, {' and '.join(classes)}: "
                f"{_listed(labels)}; correct the class or the source."
            )
            findings.append(Finding("source-in-two-classes", sentence, labels))
    return findings


def _units(photographs: list[_Seen]) -> list[list[_Seen]]:
    """Photographs with a class, by source: what the tests count."""
    units = defaultdict(list)
    for s in photographs:
        if s.field.class_name:
            units[s.field.source, s.field.class_name].append(s)
    return list(units.values())


def _classes(units: list[list[_Seen]]) -> list[str]:
    return [str(unit[0].field.class_name) for unit in units]


def _with_class(units: list[list[_Seen]], what: str) -> list[Finding]:
    """Whether sizes or formats tell the class: none is in two, or they go together by the test."""
    classes = _classes(units)
    values = [_shown(unit[0].look, what) for unit in units]
    owners: dict[str, set[str]] = defaultdict(set)
    for value, class_name in zip(values, classes, strict=True):
        owners[value].add(class_name)
    shared = all(count > 1 for count in Counter(values).values())
    apart = len(set(classes)) > 1 and shared and all(len(o) == 1 for o in owners.values())
    if not apart and not associate(classes, common(values)).holds:
        return []
    files = tuple(unit[0].label for unit in units)
    parts = []
    for class_name in sorted(set(classes)):
        own = [(v, f) for v, c, f in zip(values, classes, files, strict=True) if c == class_name]
        counts = Counter(v for v, _ in own).most_common(3)
        first = dict(reversed(own))
        shown = ", ".join(f"{value} ({count}, as {first[value]})" for value, count in counts)
        parts.append(f"{class_name} {shown}")
    sentence = (
        f"The {what} goes with the class: {'; '.join(parts)}. A model can learn that instead of "
        f"the cells, so use files of one {what}."
    )
    return [Finding(f"{what}-with-class", sentence, files)]


def _shown(look: Look, what: str) -> str:
    return look.format if what == "format" else f"{look.size[1]}x{look.size[0]}"


def _acquisitions(units: list[list[_Seen]]) -> Acquisitions:
    usable, backgrounds = [], []
    for unit in units:
        colours = [s.look.background for s in unit if s.look.background is not None]
        if colours:
            usable.append(unit)
            backgrounds.append(np.median(colours, axis=0))
    kinds = [(unit[0].look.format, unit[0].look.size) for unit in usable]
    numbers = group_acquisitions(backgrounds, kinds)
    files: list[list[str]] = [[] for _ in set(numbers)]
    for number, unit in zip(numbers, usable, strict=True):
        files[number].append(unit[0].label)
    counts = Counter(_classes(usable))
    testable = len(counts) > 1 and min(counts.values()) >= FEWEST
    association = associate(_classes(usable), numbers)
    if not testable:
        association = Association(association.table)
    sentence = _acquisition_sentence(association, files, testable)
    return Acquisitions(tuple(map(tuple, files)), association, sentence)


def _acquisition_sentence(association: Association, files: list[list[str]], testable: bool) -> str:
    if not testable:
        return (
            "Whether the class goes with the acquisition can't be said: that takes two classes of "
            f"at least {FEWEST} sources whose background is to be seen."
        )
    found = f"{sum(map(len, files))} sources seem to be of {len(files)} acquisitions"
    if association.p_value is None:
        return f"By {LOOKED_AT} all {sum(map(len, files))} sources may be of one acquisition."
    figures = f"Cramér's V {association.cramers_v:.2f}, chi-square p {association.p_value:.2g}"
    if not association.holds:
        return (
            f"By {LOOKED_AT}, {found}, and the class was not found to go with them ({figures}); "
            "that does not prove that it does not."
        )
    groups = "; ".join(f"{name} {list(counts)}" for name, counts in association.table.items())
    examples = _listed([group[0] for group in files])
    return (
        f"The class goes with the acquisition ({figures}): by {LOOKED_AT}, {found} (such as "
        f"{examples}), with so many of each class: {groups}. A model can tell the classes by the "
        "stain or the camera alone, and a good score here says little about other photographs."
    )


def _too_few(photographs: list[_Seen]) -> list[Finding]:
    sources: dict[str, dict[str, str]] = defaultdict(dict)
    for s in photographs:
        if s.field.class_name:
            sources[s.field.class_name].setdefault(s.field.source, s.label)
    findings = []
    for class_name, files in sorted(sources.items()):
        if len(files) < FEWEST:
            labels = tuple(files.values())
            sentence = (
                f"{class_name} has too few sources, {len(labels)} ({_listed(labels)}); with fewer "
                f"than {FEWEST} a score says next to nothing, so add photographs."
            )
            findings.append(Finding("too-few", sentence, labels))
    return findings


def _listed(names: Iterable[str], most: int = 5) -> str:
    names = list(names)
    if len(names) > most:
        return ", ".join(names[:most]) + f" and {len(names) - most} more"
    return " and ".join(", ".join(names).rsplit(", ", 1))
