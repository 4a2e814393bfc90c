"""Run benchmarks and write their tables to docs/benchmarks.md, one section a topic.

    python benchmarks/page.py --real REAL --fields SNAM reading features ...

Only the sections of the topics that are named are replaced. REAL holds the real photographs
(docs/testing.md), SNAM is a folder of full-size BMP fields (`napari-marrow phantom SNAM --fields 20
--size 2560x1920`). Run nothing else at the same time.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `python benchmarks/page.py`. Times depend on the machine, so read the ratios: each is
taken within one round, in which every program does the same work once, in random order. In brackets
are the quartiles over the rounds. A ratio above 1 means that the other program takes longer than
napari-marrow. No test asserts on time.
"""


@dataclass(frozen=True)
class Topic:
    """A section of the page and the command that measures it; ``{real}`` is a folder."""

    title: str
    command: str
    about: str


TOPICS = {
    "reading": Topic(
        "Reading",
        "reading.py {fields} --repeats 15",
        "24-bit BMP files of 2560 x 1920 pixels. tifffile does not read BMP.",
    ),
    "slider": Topic(
        "Paging",
        "slider.py {fields}",
        "One step of the slider over a folder's stack, until the field is painted, on a virtual "
        "screen without a graphics card; beside it napari alone with all layers in memory.",
    ),
    "labelling": Topic(
        "Labelling after training",
        "labelling.py {fields}",
        "All cells of a folder's stack, with nothing cached and after a training on the same "
        "fields, which leaves their nuclei, features and crops in the cache; the answers agree.",
    ),
    "networks": Topic(
        "Every network, all the way",
        "networks.py {real}",
        "Trained by the command line, with one prediction per cell, on the sample data and on "
        "three classes of one laboratory; labelled in the viewer; exported to ONNX and Keras and "
        "asked again. vgg16 and pretrained begin with random weights and have 3 and 10 epochs with "
        "1 and 2 copies, the others the default settings.",
    ),
    "training": Topic(
        "Training a network",
        "training.py --models dcnn,cnn7",
        "Images a second, against a bare fit of Keras on arrays in memory: the same network and "
        "batch. Copies are rotated and recoloured by napari-marrow and not by the fit, on the same "
        "processors.",
    ),
    "gpu": Topic(
        "Training on a GPU",
        "gpu.py",
        "Images a second on the accelerator and backend that are there, and how busy it is.",
    ),
    "prediction": Topic(
        "Answers of a network",
        "prediction.py",
        "Cells a second once they are cut out: ONNX Runtime and OpenVINO, the "
        "[engines](networks.md#what-runs-a-network) of napari-marrow, against Keras on the same "
        "weights.",
    ),
    "responsiveness": Topic(
        "Waiting for the viewer",
        "responsiveness.py",
        "In a new viewer, on a virtual screen without a graphics card. A stall is the time between "
        "two turns of the event loop, less the 1 ms of the timer that notes them; 99 % of turns is "
        "the 99th percentile of all stalls from the click to the result, 99 % of moments that of "
        "the wait of an event at a random moment. In the third column is the worst of the repeats.",
    ),
    "segmentation": Topic(
        "Segmentation",
        "segmentation.py {real}",
        "Nuclei and cells against masks drawn by hand, the same settings for all sets.",
    ),
    "ablation": Topic(
        "Segmentation, stage by stage",
        "segmentation_ablation.py {real} --labs-every 8 --processes 2",
        "One stage or rule off at a time. snam to round: mean Dice against all masks drawn by "
        "hand, also of ALL_1 to ALL_4 mirrored to 1280 x 960 pixels (mosaic) and in a dark "
        "surround (round). bccd to idb-olympus: per cent of every eighth picture of a laboratory "
        "with a nucleus at the cell. cut out: nuclei a picture of one cell on black. background "
        "to blank: false nuclei a picture, in photographs without nuclei, in simulated red cells, "
        "in noise and text. count error: wrong numbers of touching nuclei in simulated fields, "
        "per cent. seconds: processor time a picture.",
    ),
    "copies": Topic(
        "Copies of one picture",
        "copies.py {real}",
        "Each picture has four copies, turned or mirrored, scaled by 0.5 to 2 and saved as JPEG of "
        "quality 50 to 95. Apart are copies that are not joined with their original, joined are "
        "different pictures (those of the second half show one cell, photographed twice).",
    ),
    "augmentation": Topic(
        "Augmentation",
        "imaging.py --repeats 7",
        "Each operation on 2560 x 1920 pixels with the same strength. A dash: the library has no "
        "such operation.",
    ),
    "features": Topic(
        "Features", "features.py --repeats 7", "Features of a field of 2560 x 1920 pixels."
    ),
    "intervals": Topic(
        "Intervals",
        "interval_coverage.py --repeats 1000",
        "How often 95 % intervals hold the true score, in simulated evaluations of two classes; in "
        "brackets their mean width. Each number is the lowest of four settings: correlations of "
        "0.05 and 0.3 of cells of a source, true scores of 0.9 and 0.97. By chance the lowest "
        "of four is 0.007 under the truth. ASSUMED_SOURCES was chosen at 8, 15 and 20 sources, "
        "correlations of 0.1 and 0.2 and scores of 0.85 and 0.95 (`--choose`).",
    ),
    "counting": Topic(
        "Counting",
        "counting.py --repeats 100",
        "How often the 95 % interval of a [count](how-to/count.md) holds the true share, in "
        "simulated counts. The errors of the model differ between fields, too (correlation 0.05), "
        "and each count has a newly held-out model. The constants of the method were chosen at "
        "other shares, numbers, correlations and errors (`--choose`).",
    ),
    "counting_annotated": Topic(
        "Counts while some cells have a class, and a model answers for the others",
        "counting_annotated.py",
        "Simulated counts of 60 cells a field and a model with a sensitivity of 0.85 and a "
        "specificity of 0.93. Without its errors an interval may nearly never hold the truth: "
        "*Annotate cells* gives none, and no verdict, until they are known from cells drawn at "
        "random.",
    ),
    "fair_estimate": Topic(
        "The estimate of Annotate cells",
        "fair_estimate.py",
        "Simulated cells of three classes, of which 200 are asked as in the widget. The truth "
        "is the accuracy of the live model in fields that it did not learn from. All cells that "
        "were asked are no sample; those learnt from say nothing.",
    ),
    "protocols": Topic(
        "Protocols on sets whose truth is known",
        "protocols.py --seeds 20",
        "Simulated fields of 192 x 144 pixels; mean and range of the balanced accuracy over the "
        "seeds. In the first set 12 of 15 fields of a class are of one of two microscopes; where "
        "one is left out, its fields are called as most of the other are. In the second all "
        "fields show cells of one kind.",
    ),
    "paired": Topic(
        "Models that are equally good",
        "paired.py --sets 400",
        "How often a difference is shown at 0.05, by the corrected resampled t test and by a plain "
        "paired t test of the same folds.",
    ),
    "asking": Topic(
        "Which cell to ask next",
        "asking.py {real} --seeds 10",
        "Cells that have to be given a class until a model has a balanced accuracy of 0.9 in the "
        "median of ten seeds, and keeps it: cells of one laboratory are asked one by one, or drawn "
        "at random; the model is judged on the other half. The kind of model was chosen on "
        "ALL-IDB2, and no constant of the asking on these laboratories; the features are the "
        "defaults. In bccd asking is no better than drawing: all its cells together hardly reach "
        "0.90.",
    ),
    "clicks": Topic(
        "Thirty clicks in three fields",
        "clicks.py {real}",
        "Nuclei of 14 myeloma fields of SegPC-2021, told apart as those of plasma cells and "
        "others: 30 cells of three fields get a class, and the model is judged on the cells of the "
        "eleven others; median of ten draws of the fields. Nothing was chosen on these "
        "photographs.",
    ),
    "explaining": Topic(
        "Explaining cells",
        "explaining.py {real}",
        "How far Grad-CAM can be believed: each network explains the largest cell of each held-out "
        "photograph. Medians; what is in nucleus and cell is a multiple of their part of the area, "
        "rank correlations have quartiles. No limit was chosen on these laboratories.",
    ),
    "outlines": Topic(
        "Outlines of cells",
        "outlines.py",
        "The outlines of 5,000 cells of one field as GeoJSON has them. find_contours passes "
        "through the middle of pixels, so that its areas are not theirs; rasterio is no dependency "
        "of the program.",
    ),
    "annotating": Topic(
        "Annotating cells",
        "annotating.py",
        "From a key to the next frame, in a field of 2560 x 1920 pixels in a real viewer, on a "
        "virtual screen without a graphics card.",
    ),
    "dropped": Topic(
        "From a dropped folder to coloured cells",
        "dropped.py {fields}",
        "20 fields of 2560 x 1920 pixels with nucleus masks, as SN-AM has them, opened in a real "
        "viewer on a virtual screen without a graphics card; nothing is cached. The time that a "
        "person thinks is not counted.",
    ),
    "gallery": Topic(
        "Cell gallery",
        "gallery.py --real {real}",
        "A gallery of the cells of ten fields in a real viewer, on a virtual screen without a "
        "graphics card; and how many cells have the most frequent class of their group, so that "
        "one key is right for them. How many cells make a group, and from how many starts, was "
        "chosen on the laboratories; nothing was chosen on segpc.",
    ),
    "killed": Topic(
        "Killed while annotating",
        "killed.py --times 50",
        "A viewer is killed at a random moment while cells are annotated in it; the project must "
        "hold all that was shown.",
    ),
    "damaged": Topic(
        "Damaged BMP files",
        "fuzz_bmp.py --files 20000",
        "Damaged files must be read, or refused with a message; nothing else may happen.",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("topics", nargs="*", choices=[*TOPICS, []], help="all where none is named")
    parser.add_argument("--real", type=Path, default=Path("../shared/real-data"))
    parser.add_argument("--fields", type=Path, default=Path("fields"))
    options = parser.parse_args()
    sections = read_sections(PAGE.read_text("utf-8"))
    for name in options.topics or TOPICS:
        print(f"{name} ...", flush=True)
        sections[name] = measure(TOPICS[name], options.real.resolve(), options.fields.resolve())
        PAGE.write_text(page(sections), encoding="utf-8")


def read_sections(text: str) -> dict[str, str]:
    """The sections of the page by topic."""
    found = re.findall(r"^<!-- topic: (\w+) -->\n(.*?)^<!-- end -->$", text, re.M | re.S)
    return {name: section for name, section in found if name in TOPICS}


def page(sections: dict[str, str]) -> str:
    """The whole page, its sections in the order of the topics."""
    parts = [
        f"<!-- topic: {name} -->\n{sections[name]}<!-- end -->\n"
        for name in TOPICS
        if name in sections
    ]
    return "\n".join([HEAD, *parts])


def measure(topic: Topic, real: Path, fields: Path) -> str:
    """Run a benchmark and return its section; what it prints before its table comes after it."""
    command = topic.command.format(real=real, fields=fields).split()
    done = subprocess.run(
        [sys.executable, *command], cwd=HERE, stdout=subprocess.PIPE, text=True, check=True
    )
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    shown = topic.command.format(real="REAL", fields="FIELDS")
    lines = [x for x in done.stdout.strip().splitlines() if not x.startswith("WARNING:")]
    return (
        f"## {topic.title}\n\n{topic.about}\n\n" + "\n".join(lines) + "\n\n"
        f"`python benchmarks/{shown}`, {datetime.date.today()}, {machine}.\n"
    )


if __name__ == "__main__":
    main()
