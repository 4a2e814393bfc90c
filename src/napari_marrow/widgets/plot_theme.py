"""Plots in the colours of the viewer's theme."""

from __future__ import annotations

from typing import Any

from napari.utils.theme import get_theme


def theme_colours(name: str) -> tuple[str, str]:
    """Text and background of a theme of napari, as ``#RRGGBB``."""
    theme = get_theme(name)
    return theme.text.as_hex(), theme.background.as_hex()


def colour_axes(axes: Any, text: str) -> None:
    """Draw all that is written on axes in one colour, small enough for a dock widget."""
    axes.tick_params(colors=text, labelsize=8)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=text, fontsize=9)
    for spine in axes.spines.values():
        spine.set_color(text)
    legend = axes.get_legend()
    for entry in legend.get_texts() if legend else ():
        entry.set(color=text, fontsize=8)
