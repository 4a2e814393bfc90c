"""The audit of a collection: what would make a score on it too good.

A scan reads names and headers; the audit looks at a sample of the pixels of each photograph. It
changes no file: every finding is a sentence for the user that names the files, and what the audit
gives back to learn from has no masks among the photographs and one source for copies of a picture.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from napari_marrow.audit.confounding import (
    Acquisitions,
    SourceSummary,
    find_confounding,
    find_value_with_class,
    group_by_acquisition,
    summarize_sources,
)
from napari_marrow.audit.duplicates import (
    copies_sentences,
    find_duplicates,
    find_near_duplicates,
    joined_sources,
)
from napari_marrow.audit.findings import MIN_SOURCES, Finding, SummarizedField, join_names
from napari_marrow.audit.image_summary import MIN_SIDE_PX, find_originals, is_mask, summarize
from napari_marrow.audit.mask_files import find_odd_masks
from napari_marrow.audit.verdict import Confounding
from napari_marrow.data.failures import Failure, Failures
from napari_marrow.data.fields import Collection, Field
from napari_marrow.data.layouts.class_names import is_diagnosis
from napari_marrow.data.layouts.names import original_of_name
from napari_marrow.data.layouts.sources import replace_sources


@dataclass(frozen=True)
class Audit:
    """What the audit of a collection found.

    Attributes
    ----------
    collection
        What to learn from: without the masks, copies of one picture are one source, and each
        field has an acquisition if one was given or found.
    findings
        What the user should know, one a file or a group of files.
    sentences
        The same in few sentences, also where there are hundreds of copies.
    acquisitions
        Which sources seem to share a microscope, camera or stain.
    failed
        Photographs that can't be read.
    confounding
        What goes with the class, which any score must name first; None where nothing was found to.
    """

    collection: Collection
    findings: tuple[Finding, ...]
    sentences: tuple[str, ...]
    acquisitions: Acquisitions
    failed: tuple[Failure, ...] = ()
    confounding: Confounding | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the findings as one JSON object."""
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
        Called with what is done.
    strict
        Raise MarrowError at the first photograph that can't be read.

    Returns
    -------
    Audit
        Masks among the photographs, copies, sources in two classes, sizes, formats and acquisitions
        that go with the class, and classes of too few sources. Masks, and pictures that show
        nothing, are left out of the rest.
    """
    fields, failures = [], Failures(strict)
    for k, f in enumerate(collection.fields):
        progress(k / len(collection.fields), f"Looking at {f.name}")
        label = collection.label(f)
        with failures.leaving_out(label):
            fields.append(SummarizedField(f, label, summarize(f)))
    blank, shown = _find_blank(fields)
    masks, photographs = _find_masks(shown)
    readable = replace(collection, fields=tuple(p.field for p in photographs))
    masks += find_odd_masks(readable, failures)
    duplicates, different = find_duplicates(photographs)
    groups = [*duplicates, *find_near_duplicates(different)]
    left_out = {f.label for f in fields} - {p.label for p in photographs}
    kept = (f for f in collection.fields if collection.label(f) not in left_out)
    joined = replace_sources(kept, joined_sources(groups))
    photographs = _with_sources(photographs, joined)
    sources, by_cells = (summarize_sources(photographs, cells=x) for x in (False, True))
    others = _find_sources_in_two_classes(sources)
    others += find_value_with_class(sources, "size") + find_value_with_class(sources, "format")
    acquisitions = group_by_acquisition(by_cells)
    if acquisitions.association.holds:
        files = tuple(label for group in acquisitions.files for label in group)
        others.append(Finding("acquisition-with-class", acquisitions.sentence, files))
    others += _find_small_classes(sources)
    masks = [*blank, *masks]
    sentences = [f.sentence for f in masks] + copies_sentences(groups)
    return Audit(
        replace(collection, fields=acquisitions.name_fields(joined, collection.label)),
        (*masks, *(group.finding() for group in groups), *others),
        (*sentences, *(f.sentence for f in others)),
        acquisitions,
        tuple(failures.found),
        find_confounding(by_cells, acquisitions),
    )


def _with_sources(
    photographs: list[SummarizedField], fields: Iterable[Field]
) -> list[SummarizedField]:
    """Give photographs the fields of the same file, whose sources may be others."""
    by_path = {f.path: f for f in fields}
    return [replace(p, field=by_path[p.field.path]) for p in photographs]


def _find_blank(
    fields: list[SummarizedField],
) -> tuple[list[Finding], list[SummarizedField]]:
    """Return a finding about pictures that show nothing, and the others."""
    names = tuple(f.label for f in fields if f.summary.is_blank)
    if not names:
        return [], fields
    text = (
        f"Pictures without content, of one colour or less than {MIN_SIDE_PX} pixels high or wide: "
        f"{join_names(names)}. They are not learnt from: copy them again, or remove them."
    )
    return [Finding("blank", text, names)], [f for f in fields if not f.summary.is_blank]


def _find_masks(
    fields: list[SummarizedField],
) -> tuple[list[Finding], list[SummarizedField]]:
    """Return findings about masks that are named like photographs, and the photographs."""
    drawn = [f.label for f in fields if is_mask(f.summary)]
    others = [f for f in fields if f.label not in drawn]
    originals = find_originals([f.summary for f in others])
    copied = {
        others[k].label: f"{others[k].label} (of {others[original].label})"
        for k, original in originals.items()
    }
    photographs = [f for k, f in enumerate(others) if k not in originals]
    advice = "They are not learnt from: remove them, or give them a mask's name."
    findings = []
    if drawn:
        text = (
            "Masks by their pixels, of a few flat colours or levels, or probability maps: "
            f"{join_names(drawn)}. {advice}"
        )
        findings.append(Finding("mask-as-image", text, tuple(drawn)))
    if copied:
        text = (
            "Masks by their pixels, copies of a photograph with parts set to white: "
            f"{join_names(copied.values())}. {advice}"
        )
        findings.append(Finding("mask-as-image", text, tuple(copied)))
    return findings, photographs


def _find_sources_in_two_classes(sources: list[SourceSummary]) -> list[Finding]:
    """Return findings about sources in several classes.

    A patient may have several kinds of cells, but not two diagnoses, and neither has a photograph.
    """
    by_source = defaultdict(list)
    for s in sources:
        by_source[s.source].append(s)
    findings, patients = [], dict[str, tuple[str, ...]]()
    for source, summaries in by_source.items():
        if len(summaries) < 2:
            continue
        names = sorted(s.class_name for s in summaries)
        files = tuple(file for s in summaries for file in s.files)
        is_one_picture = any(original_of_name(Path(file)) == source for file in files)
        if is_one_picture or sum(map(is_diagnosis, names)) > 1:
            sentence = (
                f"The source {source} is in two classes, {' and '.join(names)}: "
                f"{join_names(files)}; correct the class or the source."
            )
            findings.append(Finding("source-in-two-classes", sentence, files))
        else:
            patients[f"{source} ({', '.join(names)})"] = files
    if patients:
        sentence = (
            "Sources with pictures of several classes, as of a patient with several kinds of "
            f"cells: {join_names(patients)}. If one can be of one class only, correct the class or "
            "the source."
        )
        every = tuple(file for files in patients.values() for file in files)
        findings.append(Finding("source-in-two-classes", sentence, every))
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
