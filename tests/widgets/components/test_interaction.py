"""Wheel, keyboard and theme in every dock widget, opened by the names in the manifest."""

from unittest.mock import Mock

import numpy as np
import pytest
from napari.utils.theme import get_theme
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QPushButton,
    QScrollBar,
    QWidget,
)

from napari_marrow.widgets.components.layout import Fold

NAMES = ("Data set", "Augment", "Segment nuclei", "Stain", "Chi-square features", "Train DCNN")


@pytest.fixture
def widgets(make_napari_viewer_proxy, monkeypatch):
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    window = make_napari_viewer_proxy().window
    return {name: window.add_plugin_dock_widget("napari-marrow", name)[1] for name in NAMES}


def value(field):
    return field.currentIndex() if isinstance(field, QComboBox) else field.value()


def test_the_wheel_changes_no_value(widgets, turn_wheel):
    fields = []
    for widget in widgets.values():
        for kind in (QComboBox, QAbstractSpinBox, QAbstractSlider):
            found = widget.findChildren(kind)
            fields += [x for x in found if not isinstance(x, QScrollBar)]
    assert len(fields) > 30
    before = [value(x) for x in fields]
    for field in fields:
        field.setFocus()
        turn_wheel(field)
    assert [value(x) for x in fields] == before


def test_what_is_folded_away_is_out_of_reach(widgets):
    for name in ("Train DCNN", "Augment", "Chi-square features"):
        widget = widgets[name]
        folds = widget.findChildren(Fold)
        assert folds
        for fold in folds:
            inside = [
                x for x in fold.findChildren(QWidget)
                if x.focusPolicy() != Qt.FocusPolicy.NoFocus and x is not fold.button
            ]  # fmt: skip
            assert inside
            assert not any(x.isVisibleTo(widget) for x in inside)
            fold.button.setFocus()
            QApplication.sendEvent(fold.button, key(Qt.Key.Key_Return))
            assert fold.isExpanded()
            assert any(x.isVisibleTo(widget) for x in inside)


def key(name):
    return QKeyEvent(QKeyEvent.Type.KeyPress, name, Qt.KeyboardModifier.NoModifier)


@pytest.mark.parametrize("pressed", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_return_presses_the_focused_button(widgets, pressed):
    found = [x for w in widgets.values() for x in w.findChildren(QPushButton)]
    buttons = [x for x in found if not x.isCheckable()]
    clicked = Mock()
    for button in buttons:
        button.clicked.disconnect()
        button.clicked.connect(clicked)
        button.setEnabled(True)
        button.setFocus()
        QApplication.sendEvent(button, key(pressed))
    assert clicked.call_count == len(buttons) > 15


def test_focus_and_selection_have_colours_of_the_theme(widgets):
    for name in ("light", "dark"):
        widgets["Augment"].viewer.theme = name
        theme = get_theme(name)
        for widget in widgets.values():
            style = widget.styleSheet()
            assert "QPushButton:focus" in style
            assert theme.text.as_hex() in style
            assert theme.current.as_hex() in style


def _drawn(view, item, width, file):
    """What is drawn of an item from the left, (20, width, 3)."""
    place = view.visualItemRect(item)
    place.setWidth(width)
    place.setHeight(20)
    view.viewport().grab(place).save(str(file))
    return np.asarray(Image.open(file).convert("RGB")).astype(int)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_checked_or_selected_can_be_seen(
    make_napari_viewer, snam, qtbot, monkeypatch, theme, tmp_path
):
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    viewer = make_napari_viewer(show=True)
    viewer.theme = theme
    opened = {
        name: viewer.window.add_plugin_dock_widget("napari-marrow", name, tabify=True)[1]
        for name in ("Augment", "Chi-square features", "Train DCNN")
    }
    viewer.theme = "dark" if theme == "light" else "light"
    viewer.theme = theme  # as the widgets must follow it

    def differ(view, first, second, width):
        """The share of pixels in which two items differ clearly."""
        drawn, other = (_drawn(view, item, width, tmp_path / "a.png") for item in (first, second))
        return (np.abs(drawn - other).max(axis=2) >= 40).mean()

    form = opened["Train DCNN"].form
    form.fields["model"].value = "svm"
    form.more.expand()
    lists = {
        "Augment": opened["Augment"].operations,
        "Chi-square features": opened["Chi-square features"].families,
        "Train DCNN": form.fields["families"].native,
    }
    for name, view in lists.items():
        opened[name].parent().raise_()
        view.check(view.item(0).text())
        view.setCurrentRow(-1)
        qtbot.waitUntil(view.isVisible)
        assert differ(view, view.item(0), view.item(1), 20) > 0.2, name
    viewer.open(str(snam), plugin="napari-marrow")
    table = opened["Train DCNN"].source.table
    qtbot.waitUntil(lambda: table.rowCount() == 6)
    table.item(1, 0).setCheckState(Qt.CheckState.Unchecked)
    table.selectRow(2)
    qtbot.wait(200)  # the table is filled again
    assert differ(table, table.item(0, 0), table.item(1, 0), 20) > 0.2
    assert differ(table, table.item(0, 1), table.item(2, 1), 40) > 0.5


def test_a_widget_that_is_opened_is_next_by_tab_and_leaves_keys_to_the_viewer(
    make_napari_viewer, draw, qtbot, monkeypatch
):
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    viewer = make_napari_viewer(show=True)
    viewer.add_image(draw()[0], rgb=True, name="a")
    window = viewer.window._qt_window
    for name in ("Train DCNN", "Segment nuclei"):
        widget = viewer.window.add_plugin_dock_widget("napari-marrow", name)[1]
        qtbot.waitUntil(lambda widget=widget: window.focusWidget() is widget)
        qtbot.keyClick(widget, Qt.Key.Key_Tab)
        assert widget.isAncestorOf(window.focusWidget())
    train = next(iter(viewer.window.dock_widgets.values()))
    train.source.annotate.setFocus()
    qtbot.keyClick(train.source.annotate, Qt.Key.Key_Return)
    assert window.focusWidget() is train
    qtbot.keyClick(train, Qt.Key.Key_Equal)
    assert viewer.layers["a cells"].selected_label == 2
    segment = widget
    segment.run_button.setFocus()
    segment.segment()  # the button is disabled while it runs
    qtbot.waitUntil(lambda: not segment.run.busy, timeout=20_000)
    assert window.focusWidget() is segment.run_button
