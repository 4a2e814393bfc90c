"""The report of an evaluation: complete in one file, escaped, without empty parts."""

import shutil
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from napari_marrow.learning.scores.findings import ClassCount, DataSummary
from napari_marrow.learning.scores.results import EvaluationResult
from napari_marrow.report.evaluation.write import report_files, write_report

EVIL = ("<script>alert(1)</script>", "\"><img src='x'>", "a|b", "מיאלומה", "$x^$", "caf\udce9",
        "long" * 80, "\u202eturned")  # fmt: skip


class Page(HTMLParser):
    """Collects the headings, the addresses that a page would load, and the texts of pictures."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.addresses, self.alts = [], [], []
        self.headings: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        values = dict(attrs)
        self.addresses += [values[k] for k in ("src", "href") if k in values]
        if tag == "img":
            self.alts.append(values.get("alt", ""))

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "h2" and data.strip():
            self.headings.append(data.strip())
            self.tags.append("")


PICTURE = np.full((20, 20, 3), 200, np.uint8)


@pytest.fixture(scope="module")
def written(tmp_path_factory, result):
    """A folder with the report of a result in which nothing is empty."""
    folder = tmp_path_factory.mktemp("report")
    write_report(folder, result, {("ALL/a.png", 3): PICTURE})
    return folder


@pytest.fixture
def write(tmp_path):
    def write(result, pictures=None):
        write_report(tmp_path, result, pictures)
        return (tmp_path / "report.html").read_text(encoding="utf-8")

    return write


def test_the_parts_are_in_their_order_and_all_is_in_the_file(written):
    text = (written / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.headings == [
        "In short", "Data", "Split", "Scores", "Models compared", "Curves and confusion",
        "Worst mistakes", "Doubtful labels", "Negative controls", "More photographs", "Counts",
        "Limits", "Model card", "How to repeat it",
    ]  # fmt: skip
    assert text.index("The first sentence.") < text.index("Research use only")
    assert "There is no healthy class: a picture that is neither gets an answer too" in text
    assert "script" not in page.tags
    assert all(address.startswith("data:image/") for address in page.addresses)
    assert sum(a.startswith("data:image/jpeg") for a in page.addresses) == 2  # mistake and label
    assert all(page.alts)
    assert "MM/b.png, cell 1" in text  # has no picture, but is named


def test_empty_parts_are_left_out(write, undrawn):
    small = EvaluationResult("compare", ("All.",), undrawn.data, undrawn.models[:1])
    page = Page(write(small))
    assert page.headings == [
        "In short", "Data", "Scores", "Curves and confusion", "Limits", "How to repeat it",
    ]  # fmt: skip


def test_the_published_protocol_alone_promises_nothing(write, undrawn):
    text = write(replace(undrawn, models=undrawn.models[2:], best="svm"))
    assert "one answer per copy of a cell, 40 answers" in text
    assert "on new photographs another model may be better" in text
    assert "Scores hold for photographs made like these" not in text
    assert "best model" not in text
    assert "Scores hold for photographs made like these" in write(undrawn)


def test_names_can_change_neither_page_nor_figures(written, write, result):
    names = tuple(EVIL)
    evaluation = replace(result.models[0].evaluation, classes=names, positive=names[0],
                         confusion=np.eye(len(names), dtype=int).tolist())  # fmt: skip
    model = replace(result.models[0], evaluation=evaluation, model=EVIL[0])
    data = DataSummary(EVIL[1], "cell", tuple(ClassCount(n, 8, 8, 8) for n in names), EVIL[2], 1,
                       failed=EVIL, findings=EVIL)  # fmt: skip
    mistakes = tuple(replace(result.mistakes[0], image=name, truth=name) for name in names)
    evil = replace(result, verdict=EVIL, data=data, models=(model,), mistakes=mistakes, notes=EVIL,
                   folds=tuple(replace(part, class_name=EVIL[k])
                               for k, part in enumerate(result.folds)),
                   card={EVIL[0]: {EVIL[1]: EVIL[2]}}, command=EVIL[0])  # fmt: skip
    plain = Page((written / "report.html").read_text(encoding="utf-8"))
    text = write(evil)
    page = Page(text)
    assert "script" not in page.tags
    assert EVIL[0] not in text
    assert all(address.startswith("data:image/") for address in page.addresses)
    assert set(page.tags) <= set(plain.tags)
    assert "caf\\xe9" in text
    assert "\u202e" not in text
    assert "8 of \u2068מיאלומה\u2069, 8 of" in text  # the number stands where it was


def test_files_are_known_as_ours(written, tmp_path):
    folder = shutil.copytree(written, tmp_path / "copy")
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert report_files(folder) == dict.fromkeys(names, True)
    (folder / "tables" / "scores.csv").write_text("other,columns\n1,2\n")
    (folder / "figures" / "mine.png").write_bytes(b"")
    assert {"tables/scores.csv", "figures/mine.png"}.isdisjoint(report_files(folder))


def test_figures_are_drawn(written):
    names = ("folds", "confusion", "roc", "precision_recall", "calibration", "coverage", "loss",
             "forecast")  # fmt: skip
    assert {path.stem for path in written.glob("figures/*.png")} == set(names)
    for path in written.glob("figures/*.png"):
        with Image.open(path) as picture:
            assert len(picture.convert("RGB").getcolors(1 << 20)) > 5


def test_tables_hold_the_numbers(written):
    scores = pd.read_csv(written / "tables" / "scores.csv")
    own = scores.query("model == 'svm' and protocol == 'honest' and answers == 'cell'")
    assert own.set_index("metric").loc["accuracy", ["estimate", "low", "high"]].tolist() == [
        0.87, 0.74, 0.95,
    ]  # fmt: skip
    confusion = pd.read_csv(written / "tables" / "confusion.csv")
    assert confusion.query("model == 'svm' and protocol == 'honest'")["units"].tolist() == [
        18, 2, 3, 17,
    ]  # fmt: skip


def test_the_share_in_all_comes_first(written):
    counts = pd.read_csv(written / "tables" / "counts.csv")
    assert counts["class"].tolist() == ["MM", "MM"]
    text = (written / "report.html").read_text(encoding="utf-8")
    assert text.index("14.0% (8.0% to 22.0%)") < text.index("20.0% (5.0% to 50.0%)")


def test_sixty_pictures_stay_small(tmp_path, write, undrawn):
    noise = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    mistakes = tuple(replace(undrawn.mistakes[0], index=k) for k in range(1, 61))
    doubtful = tuple(replace(undrawn.doubtful[0], index=k) for k in range(1, 61))
    text = write(
        replace(undrawn, mistakes=mistakes, doubtful=doubtful),
        {("ALL/a.png", k): noise for k in range(1, 61)},
    )
    assert len(text) < 5_000_000
    assert "24 of 60" in text
    assert len(pd.read_csv(tmp_path / "tables" / "mistakes.csv")) == 60


def test_both_protocols_stand_side_by_side(written, write, undrawn):
    text = (written / "report.html").read_text(encoding="utf-8")
    assert "+0.11" in text  # 0.98 under paper, 0.87 under honest
    assert "0.87 (0.74 to 0.95)" in text
    assert "that is leakage or chance" in text
    honest = replace(undrawn, models=undrawn.models[:2])
    assert "that is leakage or chance" not in write(honest)
