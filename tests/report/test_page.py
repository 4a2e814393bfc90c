"""The report in one file: complete, escaped, and true about the split."""

import base64
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from napari_marrow.data.fields import Collection, Field
from napari_marrow.learning.bundles.info import BundleInfo
from napari_marrow.learning.scores.evaluation import Evaluation, Score
from napari_marrow.learning.settings import Preprocessing, TrainingSettings
from napari_marrow.report.page import PAGE, Answer, Picture, write_page

SCORE = Score(0.9, 0.7, 0.97, 0.5)
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def info():
    settings = TrainingSettings()
    evaluation = Evaluation({"accuracy": SCORE}, [], ("ALL", "MM"), "ALL", 5, 4, 1.0)
    return BundleInfo(("ALL", "MM"), settings, Preprocessing.of(settings), evaluation=evaluation)


@pytest.fixture
def write(tmp_path, info):
    def write(info=info, **changes):
        field = Field(Path("ALL/a.bmp"), "a", "a", "ALL")
        values = {
            "title": "A report",
            "collection": Collection(Path("ALL"), (field,), (f"odd: {EVIL}",)),
            "figures": [],
            "overlays": [],
            "answers": [],
        }
        (tmp_path / "r" / "report.html").unlink(missing_ok=True)  # no file is replaced
        write_page(tmp_path / "r" / "report.html", info=info, **(values | changes))
        return (tmp_path / "r" / "report.html").read_text(encoding="utf-8")

    return write


class Outside(HTMLParser):
    """Collects the addresses a page would load, and its scripts."""

    def __init__(self):
        super().__init__()
        self.addresses, self.scripts = [], 0

    def handle_starttag(self, tag, attrs):
        self.scripts += tag == "script"
        self.addresses += [v for k, v in attrs if k in ("src", "href")]


def test_a_report_is_known_by_its_mark(tmp_path, write):
    write()
    (tmp_path / "mine.html").write_text("<h1>napari-marrow on my data</h1>")
    assert PAGE.is_ours(tmp_path / "r" / "report.html")
    assert not PAGE.is_ours(tmp_path / "mine.html")


def test_everything_is_in_the_file_and_nothing_is_run(tmp_path, write):
    Image.new("RGB", (4, 4), "red").save(tmp_path / "p.png")
    picture = Picture(tmp_path / "p.png", f"caption {EVIL}")
    answer = Answer(EVIL, "ALL", "MM", 0.77, "low probability", "heldout")
    text = write(
        figures=[picture], overlays=[picture], screenshot=picture, answers=[answer], notes=[EVIL]
    )
    page = Outside()
    page.feed(text)
    assert page.scripts == 0
    assert EVIL not in text
    data = base64.b64encode((tmp_path / "p.png").read_bytes()).decode()
    assert page.addresses == [f"data:image/png;base64,{data}"] * 3
    assert "0.77" in text
    assert 'class="wrong"' in text
    assert "Research use only, never diagnosis." in text
    assert "1 fields:\n1 ALL." in text


def test_right_answers_are_not_marked_wrong(write):
    answer = Answer("a", "MM", "MM", 0.7, "", "train")
    assert 'class="wrong"' not in write(answers=[answer])


def test_only_the_honest_protocol_claims_an_honest_split(write, info):
    claim = "Units of one source never stand on both sides of the split."
    assert claim in write()
    published = TrainingSettings(protocol="paper")
    assert claim not in write(replace(info, settings=published))


def test_few_sources_promise_no_interval(write, info):
    text = write(replace(info, evaluation=replace(info.evaluation, few_sources={"MM": 2})))
    assert "0.90 (too few to tell)</bdi></td>" in text
    assert "MM has 2 sources" in text
    assert "0.97" not in text


def test_without_a_result(write, info):
    text = write(replace(info, evaluation=None))
    assert "Not measured: nothing was held out." in text
