"""What a feature measures, in words that need no table of columns."""

from __future__ import annotations

import re

_WORDS = {
    "nuclei_count": "number of nuclei",
    "nuclei_near": "number of nuclei near",
    "lobes_count": "number of lobes",
    "lobes_largest": "share of the largest lobe",
    "nucleus_to_cell_ratio": "nucleus-to-cell ratio",
    "nucleus_off_centre": "nucleus off the cell's centre",
    "chromatin_coarse": "chromatin, coarse clumps",
    "chromatin_skewness": "chromatin, skewness",
    "chromatin_rim": "chromatin, darker in the middle",
}
_SHAPES = {
    "area_px": "area",
    "diameter_px": "diameter",
    "eccentricity": "eccentricity",
    "solidity": "solidity (no dents)",
    "extent": "part of its box filled",
    "circularity": "roundness",
    "aspect": "width over length",
    "outline_variation": "uneven outline",
    "depth": "depth",
}
_PATTERNS = (
    (r"(nucleus|cytoplasm)_density_(red|green|blue)", r"\1: stain, \2"),
    (r"(nucleus|cytoplasm)_density_(red|green|blue)_variation", r"\1: stain varies, \2"),
    (r"(nucleus|cytoplasm)_density_(red|blue)_to_green", r"\1: hue, \2 to green"),
    (r"cytoplasm_to_nucleus_density_(red|green|blue)", r"cytoplasm to nucleus: stain, \1"),
    (r"chromatin_grain_(\d+)_(\d+)", r"chromatin, grain of \1 to \2 px"),
    (r"glcm_(\w+)_(\d+)px", r"texture at \2 px: \1"),
    (r"lbp_(\d+)", r"texture: local pattern \1"),
    (r"histogram_(\w+)_0*(\d+)_0*(\d+)", r"pixels of \1 level \2 to \3"),
    (r"pixel_(\w+)_y0*(\d+)_x0*(\d+)", r"\1 at row \2, column \3 of 16"),
    (r"fourier_ring_([\d.]+)_([\d.]+)_per_px", r"frequencies \1 to \2 per px"),
    (r"fourier_(\w+)", r"frequencies: \1"),
)
_OF_FIELD = {"_mean": "mean of cells", "_spread": "spread of cells"}


def describe_feature(name: str) -> str:
    """Return what a feature measures, in a few words; its own name where it has none.

    >>> describe_feature("nucleus_area_px")
    'nucleus: area'
    >>> describe_feature("lobes_cell_circularity")
    'cell: roundness, all lobes'
    >>> describe_feature("nucleus_density_red_to_green_spread")
    'nucleus: hue, red to green, spread of cells'
    """
    for end, words in _OF_FIELD.items():
        if name.endswith(end):
            return f"{describe_feature(name.removesuffix(end))}, {words}"
    if name in _WORDS:
        return _WORDS[name]
    if name.startswith("lobes_"):
        return f"{describe_feature(name.removeprefix('lobes_'))}, all lobes"
    region, _, shape = name.partition("_")
    if region in ("nucleus", "cell") and shape in _SHAPES:
        return f"{region}: {_SHAPES[shape]}"
    for pattern, words in _PATTERNS:
        if (found := re.fullmatch(pattern, name)) is not None:
            return found.expand(words).replace("_", " ")
    return name
