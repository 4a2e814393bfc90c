"""The audit of a collection: what would make a score on it too good.

A scan reads names and headers; the audit looks at a sample of the pixels of each photograph. It
changes nothing and decides nothing: every finding is a sentence for the user that names the files.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from dataclasses import dataclass

from napari_marrow.audit.confounding import (
    Acquisitions,
    find_value_with_class,
    group_by_acquisition,
    summarize_sources,
)
from napari_marrow.audit.duplicates import find_duplicates, find_near_duplicates
from napari_marrow.audit.findings import MIN_SOURCES, Finding, SummarizedField, join_names
from napari_marrow.audit.image_summary import is_mask, is_masked_copy, summarize
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.fields import Collection


@dataclass(frozen=True)
class Audit:
    """What the audit of a collection found."""

    findings: tuple[Finding, ...]
    acquisitions: Acquisitions

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the user should know, a sentence or two a finding."""
        return tuple(finding.sentence for finding in self.findings)

    def to_dict(self) -> dict[str, object]:
        """Return the audit as one JSON object."""
        return {
            "findings": [finding.to_dict() for finding in self.findings],
            "acquisitions": self.acquisitions.to_dict(),
        }


def audit(collection: Collection) -> Audit:
    """Look for what would make a score on this collection too good.

    Photographs that can't be read are passed over; the scan reports them.

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
    fields = []
    for f in collection.fields:
        with contextlib.suppress(MarrowError, OSError):
            fields.append(SummarizedField(f, collection.label(f), summarize(f)))
    masks, photographs = _find_masks(fields)
    duplicates, different = find_duplicates(photographs)
    findings = [*masks, *duplicates, *find_near_duplicates(different)]
    findings += _find_sources_in_two_classes(photographs)
    sources = summarize_sources(photographs)
    findings += find_value_with_class(sources, "size") + find_value_with_class(sources, "format")
    acquisitions = group_by_acquisition(sources)
    if acquisitions.association.holds:
        files = tuple(label for group in acquisitions.files for label in group)
        findings.append(Finding("acquisition-with-class", acquisitions.sentence, files))
    return Audit((*findings, *_find_small_classes(photographs)), acquisitions)


def _find_masks(
    fields: list[SummarizedField],
) -> tuple[list[Finding], list[SummarizedField]]:
    """Return findings about masks that are named like photographs, and the photographs."""
    drawn = [f.label for f in fields if is_mask(f.summary)]
    copied, photographs = {}, []
    for f in fields:
        if f.label in drawn:
            continue
        others = (o for o in fields if o is not f and is_masked_copy(f.summary, o.summary))
        original = next(others, None) if (f.summary.points == 255).all(axis=1).any() else None
        if original is None:
            photographs.append(f)
        else:
            copied[f.label] = f"{f.label} (of {original.label})"
    advice = "They would be learnt from: remove them, or give them a mask's name."
    findings = []
    if drawn:
        text = f"Masks by their pixels, of a few flat colours: {join_names(drawn)}. {advice}"
        findings.append(Finding("mask-as-image", text, tuple(drawn)))
    if copied:
        text = (
            "Masks by their pixels, copies of a photograph with parts set to white: "
            f"{join_names(copied.values())}. {advice}"
        )
        findings.append(Finding("mask-as-image", text, tuple(copied)))
    return findings, photographs


def _find_sources_in_two_classes(photographs: list[SummarizedField]) -> list[Finding]:
    by_source = defaultdict(list)
    for p in photographs:
        if p.field.class_name:
            by_source[p.field.source].append(p)
    findings = []
    for source, group in by_source.items():
        classes = sorted({str(p.field.class_name) for p in group})
        if len(classes) > 1:
            labels = tuple(p.label for p in group)
            sentence = (
                f"The source {source} is in two classes, {' and '.join(classes)}: "
                f"{join_names(labels)}; correct the class or the source."
            )
            findings.append(Finding("source-in-two-classes", sentence, labels))
    return findings


def _find_small_classes(photographs: list[SummarizedField]) -> list[Finding]:
    sources: dict[str, dict[str, str]] = defaultdict(dict)
    for p in photographs:
        if p.field.class_name:
            sources[p.field.class_name].setdefault(p.field.source, p.label)
    findings = []
    for class_name, files in sorted(sources.items()):
        if len(files) < MIN_SOURCES:
            labels = tuple(files.values())
            sentence = (
                f"{class_name} has too few sources, {len(labels)} ({join_names(labels)}); with "
                f"fewer than {MIN_SOURCES} a score says next to nothing, so add photographs."
            )
            findings.append(Finding("too-few", sentence, labels))
    return findings
