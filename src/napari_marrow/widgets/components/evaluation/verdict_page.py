"""What a result means, in sentences: the verdict first, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtWidgets import QLabel, QWidget

from napari_marrow.data.text import counted, first_few
from napari_marrow.learning.scores.findings import Control, PairedDifference, Share
from napari_marrow.learning.scores.results import EvaluationResult
from napari_marrow.learning.scores.verdict import OF_CELLS
from napari_marrow.learning.scores.words import TOO_FEW, score_text
from napari_marrow.report.evaluation.leading import metric_name
from napari_marrow.report.evaluation.questions import (
    answered_questions,
    left_out_text,
    sources_text,
)
from napari_marrow.widgets.components.evaluation.section import Section, paragraph
from napari_marrow.widgets.components.layout import fill_column

MAX_DIFFERENCES = 6
SECTIONS = (
    "Data",
    "Differences",
    "Controls",
    "More photographs",
    "Counts",
    "Questions",
    "Notes",
    "Limits",
)


class VerdictPage(QWidget):
    """The verdict of a result, and a box for each further group of its sentences."""

    def __init__(self) -> None:
        super().__init__()
        self.headline, self.rest = paragraph(bold=True), paragraph()
        self.sections: dict[str, QLabel] = {title: paragraph() for title in SECTIONS}
        self._boxes = {title: Section(title, label) for title, label in self.sections.items()}
        fill_column(self, self.headline, self.rest, *self._boxes.values())
        self.layout().addStretch()  # type: ignore[union-attr]

    def show_result(self, result: EvaluationResult) -> None:
        """Show what a result means."""
        first, *others = result.verdict or ("No verdict was given.",)
        self.headline.setText(first)
        _show(self.rest, self.rest, others)
        for title, sentences in sections_of(result).items():
            _show(self._boxes[title], self.sections[title], sentences)


def _show(box: QWidget, label: QLabel, sentences: Iterable[str]) -> None:
    """Show sentences, one a line; hide the box where there are none."""
    text = "\n".join(sentences)
    label.setText(text)
    box.setVisible(bool(text))


def sections_of(result: EvaluationResult) -> dict[str, list[str]]:
    """Return the sentences of each of :data:`SECTIONS`; none where there is nothing to say."""
    return {
        "Data": data_sentences(result),
        "Differences": _difference_sentences(result),
        "Controls": [_control_sentence(x) for x in result.controls],
        "More photographs": [] if result.forecast is None else [*result.forecast.sentences],
        "Counts": [
            *result.count,
            *(_share_sentence(x) for x in result.shares if not x.image),
        ],
        "Questions": [f"{x.question} {x.answer}" for x in answered_questions(result)],
        "Notes": [*result.notes],
        "Limits": [*result.limits],
    }


def data_sentences(result: EvaluationResult) -> list[str]:
    """Return what was evaluated on, in sentences."""
    data = result.data
    counts = [
        f"{x.name}: {counted(x.fields, 'field')} of {counted(x.sources, 'source')}"
        + (f", {counted(x.units, 'cell')}" if data.unit == "cell" else "")
        for x in data.classes
    ]
    found = [f"{data.name}, one prediction per {data.unit}.", *(f"{x}." for x in counts)]
    found.append(sources_text(result))
    if data.acquisitions:
        found.append(f"{counted(data.acquisitions, 'acquisition')} known.")
    found += filter(None, [left_out_text(data)])
    if data.failed:
        failed = [text.rstrip(".") for text in first_few(data.failed)]
        found.append(f"Can't be used: {'; '.join(failed)}.")
    return [*found, *data.findings]


def _difference_sentences(result: EvaluationResult) -> list[str]:
    """Return the differences between models, those with the smallest p values first."""
    ordered = sorted(result.differences, key=lambda x: (x.p_value, -abs(x.estimate)))
    several = len({x.protocol for x in ordered}) > 1
    return first_few([_difference_sentence(x, several) for x in ordered], MAX_DIFFERENCES)


def _difference_sentence(found: PairedDifference, with_protocol: bool) -> str:
    protocol = f" ({found.protocol})" if with_protocol else ""
    shown = ", shown" if found.is_shown else ""
    interval = TOO_FEW if found.is_guess else f"{found.low:+.2f} to {found.high:+.2f}"
    return (
        f"{found.first} minus {found.second}{protocol}, {metric_name(found.metric)}: "
        f"{found.estimate:+.2f} ({interval}){shown}."
    )


def _control_sentence(control: Control) -> str:
    score = score_text(control.score, control.few_sources)
    text = f"{control.text}: balanced accuracy {score}, chance {control.score.chance:.2f}"
    if control.does_well:
        alarm = "" if control.name in OF_CELLS else ": the score may not be about cells"
        text = f"{text}, clearly above it{alarm}"
    return f"{text[0].upper()}{text[1:]}."


def _share_sentence(share: Share) -> str:
    return (
        f"{share.class_name}: {share.estimate:.0%} ({share.low:.0%} to {share.high:.0%}) of "
        f"{counted(share.cells, 'cell')}."
    )
