"""The audit of a collection: what would make a score on it too good.

A scan reads names and headers; the audit looks at a sample of the pixels of each photograph. It
changes nothing and decides nothing: every finding is a sentence for the user that names the files.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from napari_marrow.audit.confounding import (
    Acquisitions,
    SourceSummary,
    find_value_with_class,
    group_by_acquisition,
    summarize_sources,
)
from napari_marrow.audit.duplicates import find_duplicates, find_near_duplicates
from napari_marrow.audit.findings import MIN_SOURCES, Finding, SummarizedField, join_names
from napari_marrow.audit.image_summary import is_mask, is_masked_copy, summarize
from napari_marrow.audit.mask_files import find_odd_masks
from napari_marrow.data.failures import Failure, Failures
from napari_marrow.data.fields import Collection


@dataclass(frozen=True)
class Audit:
    """What the audit of a collection found."""

    findings: tuple[Finding, ...]
    acquisitions: Acquisitions
    failed: tuple[Failure, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the user should know, a sentence or two a finding."""
        return tuple(finding.sentence for finding in self.findings)

    def to_dict(self) -> dict[str, object]:
        """Return the audit as one JSON object."""
        return {
            "findings": [asdict(finding) for finding in self.findings],
            "acquisitions": self.acquisitions.to_dict(),
        }


def audit(
    collection: Collection,
    progress: Callable[[float, str], None] = lambda fraction, text: None,
    strict: bool = False,
) -> Audit:
    """Look for what would make a score on this collection too good.

    Photographs that can't be read are listed as failed, also those damaged after the header.

    Parameters
    ----------
    collection
        Fields, with or without classes.
    progress
        Told of the part that is done.
    strict
        Raise MarrowError at the first photograph that can't be read.

    Returns
    -------
    Audit
        Masks among the photographs, copies, sources in two classes, sizes, formats and acquisitions
        that go with the class, and classes of too few sources. Masks are left out of the rest.
    """
    fields, failures = [], Failures(strict)
    for k, f in enumerate(collection.fields):
        progress(k / len(collection.fields), f"Looking at {f.name}")
        label = collection.label(f)
        with failures.leaving_out(label):
            fields.append(SummarizedField(f, label, summarize(f)))
    masks, photographs = _find_masks(fields)
    readable = replace(collection, fields=tuple(p.field for p in photographs))
    masks += find_odd_masks(readable)
    duplicates, different = find_duplicates(photographs)
    findings = [*masks, *duplicates, *find_near_duplicates(different)]
    sources = summarize_sources(photographs)
    findings += _find_sources_in_two_classes(sources)
    findings += find_value_with_class(sources, "size") + find_value_with_class(sources, "format")
    acquisitions = group_by_acquisition(sources)
    if acquisitions.association.holds:
        files = tuple(label for group in acquisitions.files for label in group)
        findings.append(Finding("acquisition-with-class", acquisitions.sentence, files))
    findings += _find_small_classes(sources)
    return Audit(tuple(findings), acquisitions, tuple(failures.found))


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


def _find_sources_in_two_classes(sources: list[SourceSummary]) -> list[Finding]:
    by_source = defaultdict(list)
    for s in sources:
        by_source[s.source].append(s)
    findings = []
    for source, summaries in by_source.items():
        if len(summaries) > 1:
            classes = " and ".join(sorted(s.class_name for s in summaries))
            files = tuple(file for s in summaries for file in s.files)
            sentence = (
                f"The source {source} is in two classes, {classes}: {join_names(files)}; correct "
                "the class or the source."
            )
            findings.append(Finding("source-in-two-classes", sentence, files))
    return findings


def _find_small_classes(sources: list[SourceSummary]) -> list[Finding]:
    findings = []
    for class_name, count in sorted(Counter(s.class_name for s in sources).items()):
        if count < MIN_SOURCES:
            files = tuple(s.files[0] for s in sources if s.class_name == class_name)
            sentence = (
                f"{class_name} has too few sources, {count} ({join_names(files)}); with fewer than "
                f"{MIN_SOURCES} a score says next to nothing, so add photographs."
            )
            findings.append(Finding("too-few", sentence, files))
    return findings
