"""Write the tables of layers in docs/networks.md: what each network is made of.

    python tools/networks_page.py

The text between the marks of the page is replaced; a test compares it with what the program builds.
"""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "networks.md"
BEGIN, END = "<!-- layers: tools/networks_page.py -->", "<!-- end of layers -->"
N_EMBEDDING_VALUES = 768
"""Of the embedding in the page, as ViT-B gives them."""
UNSEEN = ("InputLayer",)
"""Layers without a row: the input is described in the text."""


def layer_rows(network) -> list[tuple[str, str, str, int]]:
    """Return name, kind, output shape and number of weights of each layer of a Keras model."""
    rows = []
    for layer in network.layers:
        kind = type(layer).__name__
        if kind in UNSEEN:
            continue
        activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
        shape = getattr(layer, "output", layer).shape[1:]
        kind += "" if activation == "linear" else f", {activation}"
        rows.append((layer.name, kind, " x ".join(map(str, shape)), layer.count_params()))
    return rows


def tables() -> str:
    """Return a section for each network in the registry, at its default settings."""
    from napari_marrow.learning.network_training.import_keras import start_keras

    start_keras()
    import keras

    from napari_marrow.learning.networks import build
    from napari_marrow.learning.registry import MODELS, models_of_kind
    from napari_marrow.learning.settings import TrainingSettings

    networks = [
        (f"`{name}`", TrainingSettings(model=name), TrainingSettings.select)
        for name in models_of_kind("network")
    ]
    embedded = TrainingSettings(model="pretrained", weights="encoder.onnx")
    title = f"`pretrained` on an ONNX embedding of {N_EMBEDDING_VALUES} values"
    parts = []
    for name, settings, n_values in [*networks, (title, embedded, N_EMBEDDING_VALUES)]:
        keras.utils.clear_session()  # numbers in the names of layers begin at none again
        network = build(settings, 2, n_values)
        described = MODELS[settings.model].description
        parts.append(f"### {name}\n\n{described[0].upper()}{described[1:]}.\n")
        parts.append("| layer | kind | output | weights |\n|---|---|---|---|")
        parts += [f"| {a} | {b} | {c} | {d:,} |" for a, b, c, d in layer_rows(network)]
        parts.append(f"\n{network.count_params():,} weights in all.\n")
    return "\n".join(parts)


def with_tables(page: str, found: str) -> str:
    """Return the page with these tables between its marks."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.S)
    return pattern.sub(lambda _: f"{BEGIN}\n\n{found}\n{END}", page)


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text("utf-8"), tables()), "utf-8")
