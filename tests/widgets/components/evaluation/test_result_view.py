"""What the result view shows of a result, page by page."""

import dataclasses

import pytest
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QTextDocument
from qtpy.QtWidgets import QApplication

from napari_marrow.learning.scores.results import Curve
from napari_marrow.widgets.components.evaluation.fact_table import FactTable
from napari_marrow.widgets.components.evaluation.verdict_page import sections_of
from napari_marrow.widgets.components.evaluation.view import ResultView
from napari_marrow.widgets.components.layout import text_label
from napari_marrow.widgets.components.line_plot import Line, LinePlot
from napari_marrow.widgets.components.pages import Pages

ALL_PAGES = ["Verdict", "Table", "Confusion", "ROC", "PR", "Calibration", "Coverage", "Mistakes"]


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer()
    viewer.theme = "light"
    return viewer


@pytest.fixture
def view(viewer, qtbot, result):
    """The view of the made result."""
    view = ResultView(viewer)
    qtbot.addWidget(view)
    view.show_result(result)
    return view


def rows(table):
    return [table.texts(row) for row in range(table.rowCount())]


def test_tabs_wrap_and_arrow_keys_go_through_them(qtbot):
    pages = Pages()
    qtbot.addWidget(pages)
    for title in ALL_PAGES:
        pages.add(title, text_label(title), f"Of {title}.")
    pages.resize(300, 200)
    pages.show()
    assert pages.current == "Verdict"
    tabs = [pages._tabs[title] for title in ALL_PAGES]
    qtbot.waitUntil(lambda: len({tab.y() for tab in tabs}) > 1)
    assert max(tab.geometry().right() for tab in tabs) < 300
    pages.activateWindow()
    tabs[0].setFocus()
    qtbot.waitUntil(tabs[0].hasFocus)
    qtbot.keyClick(tabs[0], Qt.Key.Key_Right)
    assert pages.current == "Table"
    assert [pages._pages[title].isVisible() for title in ALL_PAGES[:3]] == [False, True, False]
    pages.set_filled("Table", False)
    assert pages.current == "Verdict"
    assert "Table" not in pages.offered


def test_the_best_model_is_shown_first_and_pages_without_content_are_not_offered(view):
    names = ["logistic (honest)", "svm (honest)", "svm (paper)"]
    assert [view.model.itemText(k) for k in range(3)] == names
    assert view.model.currentText() == "svm (honest)"
    assert view.pages.offered == [x for x in ALL_PAGES if x != "PR"]
    view.pages.select("ROC")
    view.model.setCurrentIndex(0)  # it has no curves
    assert view.pages.offered == ["Verdict", "Table", "Confusion", "Mistakes"]
    assert view.pages.current == "Verdict"


def test_a_bundle_is_shown_without_a_choice_of_models(view, result):
    one = dataclasses.replace(
        result, kind="evaluate", models=result.models[1:2], mistakes=(), doubtful=()
    )
    view.show_result(one)
    assert view.model.isHidden()
    assert view.model.currentText() == "svm"
    assert "Mistakes" not in view.pages.offered
    assert view.scores._all.isHidden()


def test_the_limits_of_use_are_said_by_the_classes(view):
    assert view.research.text() == (
        "Research use only, never diagnosis. There is no healthy class: a picture that is neither "
        "gets an answer too, unless marked."
    )


def test_a_model_can_answer_more_classes_than_the_photographs_have(view, result):
    own = result.models[1]
    three = dataclasses.replace(
        own.evaluation, classes=("ALL", "CLL", "MM"), confusion=[[1] * 3] * 3
    )
    models = (dataclasses.replace(own, evaluation=three),)
    view.show_result(dataclasses.replace(result, kind="evaluate", models=models))
    assert "a picture that is none of these" in view.research.text()


def test_names_are_no_markup(view, result):
    """Qt takes what looks like HTML in a tooltip for it, and would not show the name."""
    evil = "<script>alert(1)<b>"
    own = result.models[1]
    names = dataclasses.replace(own.evaluation, classes=(evil, "MM"), positive=evil)
    mistake = dataclasses.replace(result.mistakes[0], image=evil, truth=evil)
    models = (dataclasses.replace(own, evaluation=names),)
    view.show_result(dataclasses.replace(result, models=models, mistakes=(mistake,)))
    matrix, mistakes = view.confusion.table, view.mistakes.table
    items = (matrix.verticalHeaderItem(0), matrix.horizontalHeaderItem(0), matrix.item(0, 1),
             mistakes.item(0, 0), mistakes.item(0, 1))  # fmt: skip
    for item in items:
        document = QTextDocument()
        document.setHtml(item.toolTip())
        assert evil in document.toPlainText()
    assert matrix.verticalHeaderItem(0).text() == evil


def test_the_verdict_stands_first_and_what_it_rests_on_below(view, result):
    page = view.verdict
    assert page.headline.text() == "svm is good."
    assert page.rest.text() == "It may not be about cells."
    found = sections_of(result)
    assert found["Data"] == [
        "set, one prediction per cell.",
        "ALL: 4 fields of 3 sources, 8 cells.",
        "MM: 5 fields of 5 sources, 12 cells.",
        "Sources come from groups.csv. Photographs of one source never are on both sides of an "
        "honest split.",
        "2 acquisitions known.",
        "Left out: 1 photograph that it learnt from and 2 photographs that it was judged by "
        "before.",
        "Can't be used: b.png: cut off.",
        "Two are copies.",
    ]
    assert found["Differences"] == [
        "svm minus logistic, accuracy: +0.20 (+0.10 to +0.30), shown.",
        "svm minus logistic, ROC AUC: +0.10 (-0.10 to +0.30).",
    ]
    published = dataclasses.replace(result.differences[0], protocol="paper", p_value=0.5)
    both = dataclasses.replace(result, differences=(*result.differences, published))
    assert sections_of(both)["Differences"][1:] == [
        "svm minus logistic (honest), ROC AUC: +0.10 (-0.10 to +0.30).",
        "svm minus logistic (paper), ROC AUC: +0.10 (-0.10 to +0.30).",
    ]
    assert found["Controls"] == [
        "Mean colour alone: balanced accuracy 0.80 (0.70 to 0.90), chance 0.50, clearly above it: "
        "the score may not be about cells.",
        "The outlines: balanced accuracy 0.80 (0.70 to 0.90), chance 0.50, clearly above it.",
        "Permuted classes: balanced accuracy 0.52 (0.40 to 0.60), chance 0.50.",
    ]
    few = dataclasses.replace(result.controls[2], few_sources={"MM": 5})
    assert sections_of(dataclasses.replace(result, controls=(few,)))["Controls"] == [
        "Permuted classes: balanced accuracy 0.52 (too few to tell), chance 0.50."
    ]
    assert found["Counts"] == ["MM: 14% (8% to 22%) of 100 cells."]
    assert "On how many patients? " in page.sections["Questions"].text()
    assert page.sections["More photographs"].text() == "About 20 more."
    view.show_result(dataclasses.replace(result, controls=(), forecast=None))
    assert page._boxes["Controls"].isHidden()


def test_the_table_lists_models_by_a_measure_and_a_click_chooses_one(view):
    page = view.scores
    assert page.measure.currentText() == "balanced accuracy"  # the classes are of uneven size
    assert rows(page.models) == [
        ["logistic (honest)", "0.80 (too few to tell)", "0.50"],
        ["svm (honest)", "0.90 (0.80 to 0.95)", "0.50"],
        ["svm (paper)", "0.94 (0.84 to 0.99)", "0.50"],
    ]
    page.measure.setCurrentText("ROC AUC")
    assert rows(page.models)[1][1] == "0.93 (0.80 to 0.98)"
    assert rows(page.scores)[1] == ["accuracy", "0.89 (0.50 to 0.95)", "0.65"]
    assert rows(page.by_field)[0][1] == "0.88 (0.78 to 0.93)"
    assert rows(page.acquisitions) == [["a camera", "0.70 (0.60 to 0.75)", "0.50"]]
    page.models.picked.emit(0)
    assert view.model.currentText() == "logistic (honest)"
    assert rows(page.scores)[0][1] == "0.80 (too few to tell)"
    assert "MM has 5 sources" in page.few.text()
    assert page._fields.isHidden()
    assert page._acquisitions.isHidden()


def test_the_confusion_matrix_has_counts_shares_and_shades(view, viewer):
    table = view.confusion.table
    assert [table.verticalHeaderItem(k).text() for k in range(2)] == ["ALL", "MM"]
    shown = [[table.item(row, column).text() for column in range(2)] for row in range(2)]
    assert shown == [["6\n75%", "2\n25%"], ["1\n8%", "11\n92%"]]
    assert table.item(0, 1).toolTip() == "Given ALL, answered MM: 2 (25%)."
    assert table.item(0, 1).background().color().alphaF() == pytest.approx(0.25, abs=0.01)
    viewer.theme = "dark"
    wanted = QColor(get_theme("dark").current.as_hex()).rgb()
    assert table.item(0, 0).background().color().rgb() == wanted


def test_curves_have_their_band_and_the_line_of_guessing(view):
    curves = {kind.title: page for kind, page in view.curves.items()}
    chance, roc = curves["ROC"].plot.lines
    assert list(roc.points) == [(0.0, 0.0), (0.5, 0.8), (1.0, 1.0)]
    assert list(roc.band) == [(0.0, 0.0, 0.1), (0.5, 0.6, 0.9), (1.0, 0.9, 1.0)]
    assert curves["ROC"].text.text().endswith("The band is the 95 % interval.")
    assert "band" not in curves["Calibration"].text.text()  # none could be computed
    assert list(chance.points) == [(0.0, 0.0), (1.0, 1.0)]
    assert curves["ROC"].text.text().startswith("ROC AUC: 0.93 (0.80 to 0.98).")
    assert not curves["Calibration"].plot.lines[1].band
    first = "Of ALL: Brier score 0.08 (0 is best), slope 0.70 (1 is best). On the dashed line"
    assert curves["Calibration"].text.text().startswith(first)
    assert curves["ROC"].plot.axis_names == ("1 - specificity", "recall")
    chance, _ = curves["Coverage"].plot.lines
    assert list(chance.points) == [(0.0, 0.65), (1.0, 0.65)]


def test_there_is_no_band_where_a_class_has_too_few_sources(view, result):
    own = result.models[1]
    few = dataclasses.replace(own.evaluation, few_sources={"MM": 5})
    models = (dataclasses.replace(own, evaluation=few, acquisitions=()),)
    view.show_result(dataclasses.replace(result, models=models))
    page = next(page for kind, page in view.curves.items() if kind.title == "ROC")
    assert not page.plot.lines[1].band
    assert "MM has 5 sources: with fewer than 6" in page.text.text()


def test_calibration_is_of_the_positive_class_or_of_the_answered_one(view, result):
    page = next(page for kind, page in view.curves.items() if kind.title == "Calibration")
    assert page.plot.axis_names == ("mean probability", "fraction of ALL")
    assert "below it ALL is rarer" in page.text.text()
    svm = result.models[1]
    three = dataclasses.replace(
        svm.evaluation, classes=("ALL", "MM", "third"), confusion=[[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    )
    model = dataclasses.replace(svm, evaluation=three)
    view.show_result(dataclasses.replace(result, models=(model,), best=None))
    assert page.plot.axis_names == ("mean probability", "fraction right")
    assert "below it the model is too sure" in page.text.text()


def test_the_losses_of_a_network_have_a_page(view, result):
    loss = Curve((1.0, 2.0, 3.0), (0.7, 0.5, 0.4), (0.6, 0.4, 0.3), (0.8, 0.6, 3.0))
    svm = result.models[1]
    network = dataclasses.replace(svm, curves=dataclasses.replace(svm.curves, loss=loss))
    view.show_result(dataclasses.replace(result, models=(network,)))
    assert view.pages.offered[-2:] == ["Loss", "Mistakes"]
    [training] = view.loss.plot.lines
    assert list(training.points) == [(1.0, 0.7), (2.0, 0.5), (3.0, 0.4)]
    assert training.band[-1] == (3.0, 0.3, 3.0)
    both = dataclasses.replace(network.curves, validation_loss=loss)
    view.show_result(
        dataclasses.replace(result, models=(dataclasses.replace(network, curves=both),))
    )
    assert [line.name for line in view.loss.plot.lines] == ["training", "validation"]


def test_limits_have_room_for_bands(viewer, qtbot):
    """A band far above its line stays inside of the axes, which a line at its top shows."""
    plot = LinePlot(viewer, "x", "y")
    qtbot.addWidget(plot)
    plot.resize(300, 200)

    def red_rows(band):
        plot.show_lines([Line("", "#FF0000", [(0.0, 0.0), (1.0, 0.0)], band=band)])
        image = plot.grab().toImage()
        colours = ((y, image.pixelColor(150, y)) for y in range(200))
        return [y for y, c in colours if c.red() - c.blue() > 150]

    assert min(red_rows([])) < 110  # in the middle of the axes
    assert min(red_rows([(0.0, 0.0, 9.0), (1.0, 0.0, 9.0)])) > 130  # at their lower end


def test_a_band_is_filled_between_its_edges(viewer, qtbot):
    plot = LinePlot(viewer, "x", "y", (0.0, 1.0), (0.0, 1.0))
    qtbot.addWidget(plot)
    plot.resize(300, 200)

    def bluish(lines, least):
        plot.show_lines(lines)
        image = plot.grab().toImage()
        found = [(x, y) for x in range(300) for y in range(200)]
        colours = [image.pixelColor(*place) for place in found]
        return [p for p, c in zip(found, colours, strict=True) if c.blue() - c.red() > least]

    diagonal = Line("", "#0000FF", [(0.0, 0.0), (1.0, 1.0)])
    width, height = (max(x) - min(x) for x in zip(*bluish([diagonal], 150), strict=True))
    band = [(0.0, 0.25, 0.75), (0.5, float("nan"), 1.0), (1.0, 0.25, 0.75)]
    filled = bluish([Line("", "#0000FF", [], band=band)], 30)
    assert len(filled) / (width * height) == pytest.approx(0.5, abs=0.03)


def test_without_a_score_a_curve_has_its_explanation_alone(view, result):
    svm = result.models[1]
    view.show_result(
        dataclasses.replace(
            result, models=(dataclasses.replace(svm, recalibration=None),), best=None
        )
    )
    page = next(page for kind, page in view.curves.items() if kind.title == "Calibration")
    assert page.text.text().startswith("On the dashed line")


def test_mistakes_are_described_and_picked_by_mouse_and_keyboard(view, qtbot, result):
    page = view.mistakes
    assert rows(page.table) == [
        ["ALL/a.png, cell 3", "ALL", "MM", "0.97"],
        ["MM/b.png, cell 1", "MM", "ALL", "0.55"],
    ]
    picked = []
    view.unit_picked.connect(picked.append)
    page.table.setCurrentCell(1, 0)
    assert page.about.text() == (
        "MM/b.png, cell 1: given MM, answered ALL with 0.55; low probability."
    )
    assert picked == []
    qtbot.keyClick(page.table, Qt.Key.Key_Return)
    page.table.cellClicked.emit(0, 2)
    assert picked == [result.mistakes[1], result.mistakes[0]]
    page.what.setCurrentIndex(1)
    assert rows(page.table) == [["MM/b.png", "MM", "ALL", "0.03"]]
    page.table.setCurrentCell(0, 0)
    assert page.about.text() == (
        "MM/b.png: given MM, which has the probability 0.03; 4 of 5 models answer ALL."
    )
    page.table.picked.emit(0)
    assert picked[-1] is result.doubtful[0]


def test_the_list_of_doubtful_labels_tells_why_it_is_empty(view, result):
    page = view.mistakes
    view.show_result(dataclasses.replace(result, doubtful=(), unchecked_labels="no model is good"))
    assert [page.what.itemText(k) for k in range(2)] == ["Mistakes (2)", "Doubtful labels"]
    page.what.setCurrentIndex(1)
    assert page.how.text() == "Not checked: no model is good."
    assert rows(page.table) == []
    view.show_result(dataclasses.replace(result, doubtful=()))
    page.what.setCurrentIndex(1)
    assert page.how.text().startswith("No given class is listed")


def test_only_of_a_trained_model_mistakes_are_marked_or_not(view, result):
    view.show_result(dataclasses.replace(result, kind="evaluate", models=result.models[1:2]))
    page = view.mistakes
    page.table.setCurrentCell(0, 0)
    assert page.about.text().endswith("with 0.97 by svm, and not marked uncertain.")
    page.table.setCurrentCell(1, 0)
    assert page.about.text().endswith("with 0.55, marked uncertain (low probability).")


def test_rows_are_copied_and_long_texts_wrap(qtbot):
    table = FactTable(["Unit", "Given"], "A table.")
    qtbot.addWidget(table)
    table.resize(200, 100)
    table.show()
    table.set_rows([["a very long name of a photograph in a folder", "ALL"], ["b", "MM"]])
    qtbot.waitUntil(lambda: table.rowHeight(0) >= 2 * table.rowHeight(1) - 12)
    table.selectAll()
    qtbot.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = "a very long name of a photograph in a folder\tALL\nb\tMM"
    assert QApplication.clipboard().text() == copied
