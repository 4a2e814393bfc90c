"""Simulated bone-marrow fields with exact masks, for demonstration and for tests.

A phantom field looks enough like a photograph to try everything on, and its truth is known: class,
acquisition, and every nucleus and cytoplasm pixel. It is drawn in optical density, from stain
amounts, as transmitted light makes it. By default every stain batch occurs in both classes, so that
colour carries no information about the class; only the build of the cells does.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from napari_marrow.data.atomic import atomic_folder
from napari_marrow.data.errors import MarrowError
from napari_marrow.data.layouts.unused import PHANTOM_COLUMNS, PHANTOM_TABLE
from napari_marrow.data.options import Settings, option
from napari_marrow.simulation.canvas import Canvas
from napari_marrow.simulation.cells import draw_red_cell, draw_white_cell
from napari_marrow.simulation.clumps import plan_clumps
from napari_marrow.simulation.scene import (
    BATCHES,
    develop,
    paint_film,
    paint_small_things,
    paint_smudge,
    plan_holes,
    plan_red_cells,
    plan_white_cells,
)

CLASSES = ("ALL", "MM")
FOLDER = "PKG - SN-AM"
TRUTH = "truth"
"""Folder of instance labels; those of a class lie one folder deeper, so that no image is in it."""


@dataclass(frozen=True)
class PhantomSettings(Settings):
    """What simulated fields to make."""

    fields: int = option(20, "Fields", "How many fields, shared out between ALL and MM.", low=2)
    width: int = option(2560, "Width", "Width of a field, in pixels.", unit="px", low=96, high=8192)
    height: int = option(
        1920, "Height", "Height of a field, in pixels.", unit="px", low=96, high=8192
    )
    acquisitions: int = option(
        3, "Acquisitions", "How many stain batches.", low=1, high=len(BATCHES)
    )
    confounded: bool = option(
        False,
        "Confounded",
        "Let stain batch go with class, as a badly planned study would; to try the audit on.",
    )
    touching: bool = option(
        False,
        "Touching",
        "Let nuclei touch in rows and clumps, and write instance labels to truth/; to try the "
        "separation of nuclei on.",
    )
    seed: int = option(0, "Seed", "Another seed draws other fields.", low=0, high=2**32 - 1)

    def problems(self) -> list[str]:
        """Return a sentence for each setting that can't work."""
        problems = super().problems()
        if self.confounded and self.acquisitions < 2:
            problems.append(
                "Acquisitions is 1; for stain batches that go with the class there must be 2."
            )
        if not problems and not 0.5 <= self.width / self.height <= 4:
            problems.append(
                f"A field of {self.width}x{self.height} px is too narrow; make it at most twice as "
                "high as wide, or four times as wide as high."
            )
        return problems


@dataclass(frozen=True)
class PhantomField:
    """One simulated field and its truth.

    Attributes
    ----------
    name
        "ALL_3": class and number, counted from 1.
    image
        (H, W, 3) uint8, RGB.
    nuclei
        (H, W) uint16, instance labels 1..n; 0 is background.
    cytoplasm
        (H, W) uint16, the same numbers: each cell without its nucleus.
    """

    name: str
    class_name: str
    acquisition: int
    image: np.ndarray
    nuclei: np.ndarray
    cytoplasm: np.ndarray


def acquisition_of(class_name: str, index: int, settings: PhantomSettings) -> int:
    """Stain batch, from 0, of field ``index`` (from 1) of a class."""
    count = settings.acquisitions
    if not settings.confounded:
        return (index - 1) % count
    for_all = (count + 1) // 2
    if class_name == "ALL":
        return (index - 1) % for_all
    return for_all + (index - 1) % (count - for_all)


def draw_field(class_name: str, index: int, settings: PhantomSettings) -> PhantomField:
    """Draw one field.

    The result depends on the class, the index, the seed, the size, the acquisition and whether
    nuclei touch only: not on which other fields are drawn, or when.

    Parameters
    ----------
    class_name
        "ALL" or "MM".
    index
        Number of the field within its class, from 1.
    settings
        Size, seed, stain batches, and whether nuclei touch.

    Examples
    --------
    >>> field = draw_field("ALL", 1, PhantomSettings(width=128, height=96))
    >>> field.name, field.image.shape, bool(field.nuclei.any())
    ('ALL_1', (96, 128, 3), True)
    """
    settings.check()
    acquisition = acquisition_of(class_name, index, settings)
    batch = BATCHES[acquisition]
    key = [settings.seed, CLASSES.index(class_name), index]
    # each step has numbers of its own: a change to one does not shuffle the others
    rngs = [np.random.default_rng([*key, step]) for step in range(9)]

    canvas = Canvas(settings.height, settings.width)
    aspect = settings.width / settings.height
    plan_cells = plan_clumps if settings.touching else plan_white_cells
    whites = plan_cells(class_name, aspect, rngs[0])
    holes = plan_holes(whites, aspect, rngs[1])
    reds = plan_red_cells(batch, whites, holes, aspect, rngs[2])
    for number, (white, rng) in enumerate(zip(whites, rngs[3].spawn(len(whites)), strict=True), 1):
        draw_white_cell(canvas, white, number, rng)
    paint_film(canvas, aspect, rngs[4])
    for red, rng in zip(reds, rngs[5].spawn(len(reds)), strict=True):
        draw_red_cell(canvas, red, batch.halo, rng)
    paint_smudge(canvas, aspect, rngs[6])
    paint_small_things(canvas, batch, holes, rngs[7])
    image = develop(canvas, batch, rngs[8], np.random.default_rng([*key, 9]))
    nuclei, cytoplasm = _in_order(canvas.nuclei, canvas.cytoplasm)
    name = f"{class_name}_{index}"
    return PhantomField(name, class_name, acquisition, image, nuclei, cytoplasm)


def _in_order(nuclei: np.ndarray, cytoplasm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Renumber cells 1..n; a cell of which no nucleus pixel is in the field has no number."""
    seen = np.unique(nuclei[nuclei > 0])
    table = np.zeros(int(max(nuclei.max(), cytoplasm.max())) + 1, np.uint16)
    table[seen] = np.arange(1, seen.size + 1)
    return table[nuclei], table[cytoplasm]


def planned_fields(settings: PhantomSettings) -> Iterator[tuple[str, int]]:
    """Class and index of every field that ``settings`` ask for; ALL gets the odd one."""
    counts = {"ALL": (settings.fields + 1) // 2, "MM": settings.fields // 2}
    for class_name, count in counts.items():
        for index in range(1, count + 1):
            yield class_name, index


def write_phantom(
    out: Path,
    settings: PhantomSettings,
    progress: Callable[[float, str], None] | None = None,
) -> Path:
    """Write a simulated folder in the shape of the SN-AM download.

    It appears in one piece when all is drawn: ``OUT/PKG - SN-AM`` with ``ALL/ALL_1.bmp``,
    ``ALL/ALL_1_nucleus_mask.bmp`` and so on, and the truth in ``phantom.csv``. Where nuclei touch
    the masks can't tell them apart: then instance labels (16-bit PNG, one number a cell) are
    written too, as ``truth/ALL/ALL_1_nuclei.png`` and ``truth/ALL/ALL_1_cytoplasm.png``.

    Parameters
    ----------
    out
        Folder to write into; it is made if need be.
    settings
        What to draw.
    progress
        Called with the share done, 0..1, and the name of the field just drawn.

    Returns
    -------
    Path
        The folder ``OUT/PKG - SN-AM``.
    """
    settings.check()
    out = Path(out)
    target = out / FOLDER
    if os.path.lexists(target):
        raise MarrowError(f"{target} is already there; remove it or choose another folder.")
    with atomic_folder(target) as folder:
        _write_all(folder, settings, progress)
    return target


def _write_all(
    folder: Path, settings: PhantomSettings, progress: Callable[[float, str], None] | None
) -> None:
    rows = []
    plan = list(planned_fields(settings))
    for done, (class_name, index) in enumerate(plan, 1):
        drawn = draw_field(class_name, index, settings)
        (folder / class_name).mkdir(exist_ok=True)
        _write_field(folder / class_name, drawn, copy_photograph=index % 2 == 0)
        if settings.touching:
            _write_truth(folder / TRUTH / class_name, drawn)
        image = f"{class_name}/{drawn.name}.bmp"
        rows.append((image, class_name, drawn.name, drawn.acquisition))
        if progress is not None:
            progress(done / len(plan), drawn.name)
    with open(folder / PHANTOM_TABLE, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([PHANTOM_COLUMNS, *rows])


def _write_field(folder: Path, drawn: PhantomField, *, copy_photograph: bool) -> None:
    masks = {
        "nucleus": drawn.nuclei > 0,
        "background": (drawn.nuclei == 0) & (drawn.cytoplasm == 0),
    }
    if drawn.class_name == "MM":
        masks["cyto"] = drawn.cytoplasm > 0
    Image.fromarray(drawn.image).save(folder / f"{drawn.name}.bmp")
    for kind, mask in masks.items():
        picture = _encode_mask(mask, drawn.image if copy_photograph else None)
        Image.fromarray(picture).save(folder / f"{drawn.name}_{kind}_mask.bmp")


def _write_truth(folder: Path, drawn: PhantomField) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # named as masks, so that they are taken for photographs nowhere
    Image.fromarray(drawn.nuclei).save(folder / f"{drawn.name}_nuclei.png")
    Image.fromarray(drawn.cytoplasm).save(folder / f"{drawn.name}_cytoplasm.png")


def _encode_mask(mask: np.ndarray, photograph: np.ndarray | None) -> np.ndarray:
    """Turn an (H, W) bool mask into its (H, W, 3) uint8 picture.

    A mask pixel is (255, 255, 255). The rest is black, or a copy of the photograph in which no
    pixel may then be pure white by chance.
    """
    if photograph is None:
        return np.repeat(mask[..., None] * np.uint8(255), 3, axis=2)
    picture = photograph.copy()
    picture[(photograph == 255).all(axis=2)] = 254
    picture[mask] = 255
    return picture
