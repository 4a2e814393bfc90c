"""What a reader asks first, with the answers that a result holds, or that they are unknown."""

from __future__ import annotations

from dataclasses import dataclass

from napari_marrow.data.text import counted
from napari_marrow.learning.scores.findings import DataSummary
from napari_marrow.learning.scores.results import EvaluationResult
from napari_marrow.learning.scores.verdict import (
    OF_CELLS,
    is_above_chance,
    leading_model,
    leaks,
    protocol_gaps,
)
from napari_marrow.report.evaluation.leading import (
    classes_asked,
    is_published,
    joined,
    main_metric,
    metric_name,
    shown_models,
    unit_name,
)
from napari_marrow.report.tables import few_text

PUBLISHED = (
    "Under the published protocol it was asked about copies of what it learnt from, so the score "
    "says nothing about new photographs: repeat with --protocol both."
)
NOT_BY_COPIES = "the published protocol tells nothing of new photographs"
PHOTOGRAPH = "photograph"
"""What sources are where nothing groups photographs."""


@dataclass(frozen=True)
class Question:
    """A question of a reader and its answer."""

    question: str
    answer: str


def answered_questions(result: EvaluationResult) -> list[Question]:
    """Return the questions in the order of the report."""
    answers = {
        "What was judged?": _what(result),
        "On how many patients?": _patients(result),
        "How good is it, and how sure is that?": _how_good(result),
        "Is it better than chance?": _above_chance(result),
        "Which model should I take?": _which(result),
        "What does the published protocol add?": _leaks(result),
        "What is the worst mistake?": _worst(result),
        "Are the given classes right?": labels_text(result),
        "Does it look at cells?": _controls(result),
        "May I use it on my microscope?": _elsewhere(result),
        "How many more photographs are needed?": _more(result),
        "How is it repeated?": result.command
        or "Unknown: there is no command for it, as of layers that were open.",
    }
    return [Question(question, answer) for question, answer in answers.items() if answer]


def _what(result: EvaluationResult) -> str:
    data, models = result.data, list(dict.fromkeys(m.model for m in result.models))
    classes = joined(classes_asked(result))
    unit = "photograph" if data.unit == "field" else "cell"
    asked = f"class ({classes}) of each {unit}"
    if result.kind == "evaluate":
        return (
            f"The trained model {joined(models)}, asked for the {asked} of {data.name} that it "
            f"has not seen. {left_out_text(data)}".rstrip()
        )
    if is_published(result):
        return (
            f"{joined(models)}, each trained anew on a random part of the copies of {data.name} "
            f"and asked for the class ({classes}) of all other copies of each {unit}."
        )
    return (
        f"{joined(models)}, each trained anew on parts of {data.name} and asked for the "
        f"{asked} of the part that was held out."
    )


def _leaks(result: EvaluationResult) -> str:
    """Say what leaks under the published protocol; "" where models were not judged under both."""
    if not protocol_gaps(result.models):
        return ""
    if found := leaks(result):
        return f"{found[0]}."
    return (
        "Nothing that can be told from chance: no model is clearly better under it, although "
        "copies of one source are learnt from and asked about."
    )


def _patients(result: EvaluationResult) -> str:
    data = result.data
    counts = joined([f"{one.sources} of {one.name}" for one in data.classes])
    if data.grouped_by == PHOTOGRAPH:
        return (
            "Unknown: nothing says which photographs are of one patient. Each photograph counts as "
            f"a source of its own; there are {counts}."
        )
    return (
        f"Unknown, unless its sources are patients: there are {counts}, by "
        f"{data.grouped_by.rstrip(',')}."
    )


def left_out_text(data: DataSummary) -> str:
    """Return which photographs a trained model was not asked about, as it knows them."""
    left_out = {
        "that it learnt from": data.known,
        "of the same source as one that it learnt from": data.same_source,
        "that it was judged by before": data.held_out,
    }
    parts = [f"{counted(n, 'photograph')} {which}" for which, n in left_out.items() if n]
    return f"Left out: {joined(parts)}." if parts else ""


def sources_text(result: EvaluationResult) -> str:
    """Return what the sources of an evaluation are, and what is known of them."""
    grouped_by = result.data.grouped_by
    if grouped_by == PHOTOGRAPH:
        return "Each photograph is a source of its own: nothing says which belong together."
    text = f"Sources come from {grouped_by.rstrip(',')}."
    if result.kind == "evaluate":
        return (
            f"{text} Photographs of the same source as one that the model learnt from are left "
            "out, where that one is among these photographs or in the table of sources; of others "
            "this can't be known."
        )
    if {one.protocol for one in result.models} == {"paper"}:
        return f"{text} Under the published protocol photographs of one source are on both sides."
    return f"{text} Photographs of one source never are on both sides of an honest split."


def _how_good(result: EvaluationResult) -> str:
    model = leading_model(result.models, result.best)
    metric = main_metric(result)
    name, score = metric_name(metric), model.evaluation.metrics[metric]
    text = f"{name.capitalize()} of {model.model}: {score.estimate:.2f}."
    if model.protocol == "paper":
        return f"{text} {PUBLISHED}"
    if model.evaluation.few_sources:
        few = few_text(model.evaluation.few_sources, model.clusters)
        return f"{text} How sure that is can't be told: {few}"
    many = "acquisitions" if model.acquisitions else "photographs"
    return (
        f"{text} With so many {many} the true value may be anything from {score.low:.2f} to "
        f"{score.high:.2f} (95 % interval)."
    )


def _above_chance(result: EvaluationResult) -> str:
    model = leading_model(result.models, result.best)
    metric = main_metric(result)
    name, score = metric_name(metric), model.evaluation.metrics[metric]
    if model.protocol == "paper":
        return f"Not shown: {NOT_BY_COPIES}."
    if model.evaluation.few_sources:
        return f"Not shown: there are too few {model.clusters}s to tell."
    compared = f"the interval of {name} begins at {score.low:.2f}, chance is {score.chance:.2f}"
    return f"Yes: {compared}." if score.is_above_chance else f"Not shown: {compared}."


def _which(result: EvaluationResult) -> str:
    if len({m.model for m in result.models}) < 2:
        return ""
    if is_published(result):
        return f"Can't be told: {NOT_BY_COPIES}."
    if result.best:
        return f"{result.best}: it is shown to be better than every other model that was compared."
    highest = leading_model(result.models, result.best).model
    return (
        f"No model is shown to be better than all others. {highest} has the highest score, which "
        "may be luck; time, size and calibration are as good reasons to choose."
    )


def _worst(result: EvaluationResult) -> str:
    if not result.mistakes:
        matrix = leading_model(result.models, result.best).evaluation.confusion
        wrong = sum(map(sum, matrix)) - sum(row[k] for k, row in enumerate(matrix))
        return "Unknown: mistakes were not listed." if wrong else "No answer was wrong."
    worst = result.mistakes[0]
    return (
        f"{unit_name(worst.image, worst.index)}: {worst.truth} was called {worst.answer} with "
        f"probability {worst.probability:.2f}{marked(worst.reason, result)}."
    )


def marked(reason: str, result: EvaluationResult) -> str:
    """Return whether and why an answer was marked uncertain; a comparison has a reason alone."""
    if result.kind == "compare":
        return f"; {reason}" if reason else ""
    return f", marked uncertain ({reason})" if reason else ", and not marked uncertain"


def labels_text(result: EvaluationResult) -> str:
    """Return what is known of the given classes, or why they were not checked."""
    if not result.doubtful and result.kind == "evaluate":
        return "Not checked: compare on these photographs lists classes that models doubt."
    if result.unchecked_labels:
        return f"Not checked: {result.unchecked_labels}."
    if not result.doubtful:
        return "No given class is listed as doubtful. That is no proof that all are right."
    first, count = result.doubtful[0], len(result.doubtful)
    return (
        f"{counted(count, 'given class', 'given classes')} should be looked at again; "
        f"first {unit_name(first.image, first.index)}: given as {first.given}, while {first.votes} "
        f"of {first.models} models answer {first.suggested}. Nothing was changed."
    )


def _controls(result: EvaluationResult) -> str:
    if not result.controls:
        both = "--protocol both " if is_published(result) else ""
        return f"Not checked: repeat with {both}--controls."
    well = [control for control in result.controls if control.does_well]
    alarms = [control.text for control in well if control.name not in OF_CELLS]
    of_cells = [control.text for control in well if control.name in OF_CELLS]
    if alarms:
        verb = "is" if len(alarms) == 1 else "are each"
        return f"It may not: {joined(alarms)} {verb} enough for a score clearly above chance."
    if not is_above_chance(leading_model(result.models, result.best)):
        return "Can't be told: the score itself is not shown to be above chance."
    if few := next((one.few_sources for one in result.controls if one.few_sources), None):
        clusters = leading_model(result.models, result.best).clusters
        return f"Unknown: the controls can't tell. {few_text(few, clusters)}"
    text = "Nothing else was found: no control that hides the cells or their classes does well."
    return f"{text} Of {joined(of_cells)} alone the classes can be told." if of_cells else text


def _elsewhere(result: EvaluationResult) -> str:
    model, ask = (
        leading_model(result.models, result.best),
        "judge it on photographs of yours whose classes you know",
    )
    if result.confounding is not None:
        return f"No: {result.confounding.before_score('this result')}"
    if model.acquisitions:
        metric = main_metric(result)
        name = metric_name(metric)
        found = [one.evaluation.metrics[metric].estimate for one in model.acquisitions]
        return (
            f"Only after a check. On acquisitions that it did not learn from, {name} was "
            f"{min(found):.2f} to {max(found):.2f}; on yours it may be lower: {ask}."
        )
    if result.kind == "evaluate":
        return (
            f"Only after a check: {ask}. What holds for these photographs may not hold for yours."
        )
    if is_published(result):
        return f"Not shown: {NOT_BY_COPIES}."
    return f"Not shown: {_acquisitions_text(result.data)}, and {ask}."


def _acquisitions_text(data: DataSummary) -> str:
    """Say why folds by source tell nothing of another microscope, and what would."""
    if not data.acquisitions:
        return (
            "which photographs share microscope, camera and stain batch is not known. Name these "
            "in a column acquisition of a table and repeat with --by acquisition"
        )
    if data.acquisitions == 1:
        return (
            "all photographs are of one acquisition (microscope, camera and stain batch), as far "
            "as can be told. Add photographs of others"
        )
    return (
        "training and held-out photographs come from the same acquisitions. Repeat with --by "
        "acquisition"
    )


def _more(result: EvaluationResult) -> str:
    if result.forecast is None:
        if result.kind == "evaluate":
            return "Not estimated: compare --forecast on photographs to learn from does that."
        if leading_model(result.models, result.best).acquisitions:
            return "Not estimated: there is no forecast over acquisitions; compare by source."
        both = "--protocol both " if is_published(result) else ""
        return f"Not estimated: repeat with {both}--forecast."
    return " ".join(result.forecast.sentences)


def leads_text(result: EvaluationResult) -> str:
    """Return of which model the curves are, where there are several."""
    models = shown_models(result)
    if len(models) < 2:
        return ""
    lead = leading_model(result.models, result.best).model
    why = "which has the highest score"
    if result.best and not is_published(result):
        why = "the best model"
    if leading_model(result.models, result.best).evaluation.few_sources:
        return f"The confusion matrix is that of {lead}, {why}."
    return f"Bands and confusion matrix are those of {lead}, {why}."


def scope_text(result: EvaluationResult) -> str:
    """Return for which photographs the scores hold."""
    if is_published(result):
        return "Scores of the published protocol hold for no other photographs, of any microscope."
    if leading_model(result.models, result.best).acquisitions:
        return "Each score is of an acquisition that was not learnt from."
    return "Scores hold for photographs made like these."
