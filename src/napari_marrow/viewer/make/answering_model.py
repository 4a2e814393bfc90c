"""Which model gave the answers that are shown: those of an earlier one say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from napari.layers import Image, Labels, Layer

from napari_marrow.data.text import first_few
from napari_marrow.viewer.layer_info import Kind, LayerInfo
from napari_marrow.viewer.make.cell_table import cells_checksum
from napari_marrow.viewer.records import AnsweringModel


def mark_earlier_models(layers: Sequence[Layer], current: str) -> str:
    """Mark the answers of other models than the current one, in captions and names of layers.

    Parameters
    ----------
    layers
        Of the viewer.
    current
        Fingerprint of the model that labels from now on.

    Returns
    -------
    str
        Which photographs have answers of an earlier model, or ''.
    """
    names = {LayerInfo.of(x).id: x.name for x in layers if isinstance(x, Image)}
    others = dict[str, list[str]]()
    for layer in layers:
        info = LayerInfo.of(layer)
        if info.model is None or info.kind is Kind.EARLIER_PREDICTED:
            continue
        now = replace(info.model, is_earlier=info.model.id != current)
        if now != info.model:
            _mark(layer, now, names.get(info.photograph or ""))
        if now.is_earlier and isinstance(layer, Image):
            others.setdefault(now.name, []).append(layer.name)
    return " ".join(
        f"What is shown of {', '.join(first_few(found))} was answered by {name}, an earlier model."
        for name, found in others.items()
    )


def _mark(layer: Layer, model: AnsweringModel, photograph: str | None) -> None:
    """Note a model, and give a layer of predicted cells its name, unless a person gave it one."""
    before = LayerInfo.of(layer)
    assert before.model is not None
    replace(before, model=model).set_on(layer)
    if before.kind is Kind.PREDICTED and photograph is not None:
        usual = f"{photograph} {Kind.PREDICTED}"
        if isinstance(layer, Labels) and layer.name == _named(usual, before.model):
            unchanged = before.checksum == cells_checksum(layer)
            layer.name = _named(usual, model)
            if unchanged:
                replace(LayerInfo.of(layer), checksum=cells_checksum(layer)).set_on(layer)


def _named(usual: str, model: AnsweringModel) -> str:
    """Return the name of a layer of predicted cells, with that of an earlier model."""
    return f"{usual} by {model.name}" if model.is_earlier else usual
