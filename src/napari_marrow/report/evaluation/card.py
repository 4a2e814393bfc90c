"""The model card of a report: what reporting guidelines ask for, and what of it is known.

The items are topics of two guidelines in our words: the CLAIM 2024 update (A. S. Tejani, M. E.
Klontzas, A. A. Gatti et al., "Checklist for Artificial Intelligence in Medical Imaging (CLAIM):
2024 Update", Radiology: Artificial Intelligence 6, e240300, 2024) and TRIPOD+AI (G. S. Collins,
K. G. M. Moons, P. Dhiman et al., "TRIPOD+AI statement: updated guidance for reporting clinical
prediction models that use regression or machine learning methods", BMJ 385, e078378, 2024). Much of
it is about people and places, which no photograph tells: it is unknown here until somebody says it.
"""

from __future__ import annotations

from collections.abc import Mapping

from napari_marrow.data.text import counted
from napari_marrow.learning.bundles.info import BundleInfo
from napari_marrow.learning.comparison.folds import N_PUBLISHED_FOLDS
from napari_marrow.learning.registry import MODELS
from napari_marrow.learning.scores.results import EvaluationResult
from napari_marrow.learning.scores.verdict import leading_model
from napari_marrow.learning.settings import CompareSettings
from napari_marrow.report.colours import classes_only
from napari_marrow.report.evaluation.leading import classes_asked, joined, main_metric, metric_name
from napari_marrow.report.tables import describe_acquisitions

Card = dict[str, dict[str, str]]
ITEMS = {
    "Model": (
        "name and version",
        "type",
        "input",
        "output",
        "hyperparameters",
        "starting values",
        "how the final model was chosen",
        "intended use",
        "intended users and place in care",
        "not for",
        "software",
        "hardware",
    ),
    "Data": (
        "where the photographs come from",
        "when they were taken",
        "planned before or collected after the fact",
        "who was included and excluded",
        "number of patients",
        "age, sex and ethnicity of patients",
        "treatment before the sample",
        "microscope, camera and stain",
        "de-identification",
        "photographs left out",
        "missing values",
        "number of photographs and classes",
        "how the number was decided",
    ),
    "Given classes": (
        "what defines each class",
        "who gave them, with what training",
        "blind to other information",
        "agreement between those who gave them",
    ),
    "Preparation and training": (
        "preparation of the photographs",
        "augmentation",
        "features",
        "class imbalance",
        "how data were divided",
        "what never is on both sides",
    ),
    "Evaluation": (
        "measures and intervals",
        "external data",
        "differences between training and evaluation data",
        "robustness to other microscopes",
        "explanation of answers",
        "analysis of failures",
        "results by group of patients (fairness)",
    ),
    "Openness": (
        "ethical approval and consent",
        "study protocol and registration",
        "availability of data",
        "availability of code and model",
        "involvement of patients and the public",
        "funding",
        "conflicts of interest",
    ),
}
"""By section; in the order of the card."""
_CODE = "napari-marrow, BSD-3-Clause"
_USE = "research on photographs of bone marrow and blood smears"
_NOT_FOR = "diagnosis, treatment, or any decision about a patient"
_FAILURES = "the worst mistakes are listed above, with a reason where it is known"


def card_of_bundle(info: BundleInfo, result: EvaluationResult, name: str) -> Card:
    """Return the card of a trained model that was asked about photographs.

    Parameters
    ----------
    info
        Of the bundle.
    result
        Of the evaluation.
    name
        Of the bundle's folder.
    """
    settings, split, data = info.settings, info.split, result.data
    sides = (("training", "train"), ("validation", "validation"), ("held out", "heldout"))
    divided = ", ".join(f"{len(split.get(key, ()))} {text}" for text, key in sides)
    options = MODELS[settings.model].option_names
    learnt = describe_acquisitions(info.observed)
    own = {
        "name and version": _version(name, info.versions),
        "type": f"{settings.model}: {MODELS[settings.model].description}",
        "output": f"a probability for each of {joined(info.classes)}, per {settings.unit}",
        "hyperparameters": _values(settings, options),
        "starting values": f"drawn with seed {settings.seed}" if info.kind == "network" else "",
        "software": _values_text(info.versions, without="device"),
        "hardware": info.versions.get("device", ""),
        "microscope, camera and stain": f"acquisitions learnt from: {learnt}" if learnt else "",
        "features": _features(info.preprocessing.families, len(info.features)),
        "class imbalance": "weighted" if getattr(settings, "balance", False) else "",
        "how data were divided": f"sources{_at_random(settings.protocol)}: {divided}",
        "what never is on both sides": (
            f"training: {_disjoint(settings.protocol)}; evaluation: photographs that it learnt "
            "from, and others of their sources as far as these photographs show them"
        ),
        "external data": f"{data.name} without photographs that it knows",
        "robustness to other microscopes": (
            "" if info.confounding is None else info.confounding.sentence
        ),
    }
    return _card(own | _of_result(result))


def card_of_comparison(settings: CompareSettings, result: EvaluationResult) -> Card:
    """Return the card of models that were compared by cross-validation."""
    versions = result.versions
    options = frozenset().union(*(MODELS[name].option_names for name in settings.models))
    of_each = "; ".join(f"{name}: {MODELS[name].description}" for name in settings.models)
    own = {
        "name and version": _version(joined(settings.models), versions),
        "type": of_each,
        "output": f"a probability for each of {joined(classes_asked(result))}, per {settings.unit}",
        "hyperparameters": _values(settings, options),
        "starting values": f"drawn with seed {settings.seed}",
        "how the final model was chosen": "none is chosen here: all are shown",
        "software": _values_text(versions, without="device"),
        "hardware": versions.get("device", ""),
        "features": joined(settings.families) if "families" in options else "",
        "how data were divided": _folds(settings),
        "what never is on both sides": _disjoint(settings.protocol, settings.by),
        "external data": "none: all scores are from cross-validation",
        "robustness to other microscopes": _elsewhere(result),
    }
    return _card(own | _of_result(result))


def _card(known: Mapping[str, str]) -> Card:
    """Return the card with what is known, and "" elsewhere."""
    return {section: {one: known.get(one, "") for one in items} for section, items in ITEMS.items()}


def _folds(settings: CompareSettings) -> str:
    """Return how the folds of each protocol were made."""
    times = f", made {settings.repeats} times" if settings.repeats > 1 else ""
    honest = f"{settings.folds} folds by source, stratified by class{times}"
    if settings.by == "acquisition":
        honest = "one acquisition after the other is left out"
    copies = (
        f"{N_PUBLISHED_FOLDS} folds at random after augmentation, stratified by class, whatever "
        f"the source{times}"
    )
    by_protocol = {"honest": honest, "paper": copies}
    if settings.protocol == "both":
        return "; ".join(f"{name}: {text}" for name, text in by_protocol.items())
    return by_protocol[settings.protocol]


def _elsewhere(result: EvaluationResult) -> str:
    """Return what is known of other microscopes than those learnt from; "" where nothing is."""
    model, metric = leading_model(result.models, result.best), main_metric(result)
    known = [] if result.confounding is None else [result.confounding.sentence]
    if model.acquisitions:
        found = [one.evaluation.metrics[metric].estimate for one in model.acquisitions]
        known.append(
            f"{metric_name(metric)} of {model.model} {min(found):.2f} to {max(found):.2f} on "
            f"{counted(len(found), 'acquisition')}, each learnt without"
        )
    return " ".join(known)


def _of_result(result: EvaluationResult) -> dict[str, str]:
    """Return what is known of every evaluation."""
    data = result.data
    clusters = leading_model(result.models, result.best).clusters
    counts = joined([f"{counted(c.units, data.unit)} of {c.name}" for c in data.classes])
    unusable = counted(len(data.failed), "photograph")
    left_out = [f"{unusable} that can't be used"] if data.failed else []
    known = {
        "that the model learnt from": data.known,
        "of the same source as one that it learnt from": data.same_source,
        "that it was judged by before": data.held_out,
    }
    left_out += [f"{count} {which}" for which, count in known.items() if count]
    grouped = f"unknown; sources are as {data.grouped_by} has them"
    return {
        "input": "the pixels of " + ("a photograph" if data.unit == "field" else "one cell"),
        "intended use": _USE,
        "not for": f"{_NOT_FOR}. {classes_only(classes_asked(result))}",
        "number of patients": "" if data.grouped_by == "photograph" else grouped,
        "photographs left out": joined(left_out) or "none",
        "number of photographs and classes": counts,
        "measures and intervals": (
            f"see the table of scores; each with a 95 % interval that takes {clusters}s and not "
            "single answers as independent"
        ),
        "analysis of failures": _FAILURES if result.mistakes else "",
        "availability of code and model": _CODE,
    }


def _values(settings: object, options: frozenset[str]) -> str:
    """Return those of the options that a model takes, with their values."""
    values = {}
    for name in sorted(options):
        value = getattr(settings, name)
        values[name.replace("_", " ")] = joined(value) if isinstance(value, tuple) else str(value)
    return _values_text({name: text for name, text in values.items() if text})


def _version(name: str, versions: Mapping[str, str]) -> str:
    return f"{name}, by napari-marrow {versions.get('napari-marrow', '')}".rstrip()


def _values_text(values: Mapping[str, str], without: str = "") -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if name != without)


def _features(families: tuple[str, ...], count: int) -> str:
    if not families:
        return "none: it learns from pixels"
    return f"{count} of the families {joined(families)}"


def _at_random(protocol: str) -> str:
    return ", their copies dealt at random, so that one can be on several sides" * (
        protocol == "paper"
    )


def _disjoint(protocol: str, by: str = "source") -> str:
    """Return what is on one side of a split alone."""
    honest = "acquisitions"
    if by == "source":
        honest = "sources, with all that was cut or rotated from one"
    if protocol == "honest":
        return honest
    paper = "nothing, as copies of one photograph are on both sides"
    return paper if protocol == "paper" else f"honest: {honest}; paper: {paper}"
