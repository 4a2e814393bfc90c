"""What all dock widgets share, in a real viewer on the screen."""

from functools import partial

import pytest
from napari.settings import get_settings
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QPushButton, QScrollArea, QTabBar

PLUGIN = "napari-marrow"
ACTIONS = {
    "Train DCNN": ("Train", "Label layers", "Label field", "Cancel"),
    "Chi-square features": ("Measure", "Cancel"),
    "Segment nuclei": ("Segment", "Cancel"),
    "Stain": ("Normalise", "Separate stains", "Cancel"),
    "Augment": ("Make layers", "Write folder...", "Cancel"),
    "Annotate cells": ("Undo", "Redo", "Annotate", "Cancel"),
    "Cell gallery": ("Annotate cells...",),
    "Evaluate": ("Evaluate", "Export report...", "Cancel"),
    "Data set": ("Open checked fields", "Save table...", "Cancel"),
}


@pytest.fixture
def large_font():
    """The largest font that a small screen has to have room for."""
    appearance = get_settings().appearance
    before, appearance.font_size = appearance.font_size, 14
    yield
    appearance.font_size = before


@pytest.mark.usefixtures("large_font")
def test_actions_stay_in_view_and_no_text_is_cut_off(make_napari_viewer, snam, qtbot, monkeypatch):
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    viewer = make_napari_viewer(show=True)
    window = viewer.window._qt_window
    window.resize(1366, 768)
    viewer.open(str(snam), plugin=PLUGIN)
    for name, titles in ACTIONS.items():
        dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, name)
        area = widget.findChild(QScrollArea)
        found = {x.text(): x for x in widget.findChildren(QPushButton)}
        for title in titles:
            button = found[title]
            qtbot.waitUntil(lambda button=button: _whole(button), timeout=3000)
            assert button.width() >= button.minimumSizeHint().width(), (name, title)
            assert not area.isAncestorOf(button), (name, title)
        qtbot.waitUntil(lambda area=area: not area.horizontalScrollBar().maximum())
        assert widget.mapTo(window, widget.rect().bottomRight()).y() < 768
        viewer.window.remove_dock_widget(dock)
        if name == "Train DCNN":
            widget.client.shutdown()


def _whole(button):
    """Whether all of a button can be seen."""
    return button.isVisible() and button.visibleRegion().boundingRect().size() == button.size()


@pytest.mark.usefixtures("large_font")
@pytest.mark.parametrize("third", ["Augment", "Data set", "Stain"])
def test_buttons_are_whole_with_three_docks(make_napari_viewer, qtbot, monkeypatch, third):
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1366, 768)
    names = ("Train DCNN", "Segment nuclei", third)
    docks = [viewer.window.add_plugin_dock_widget(PLUGIN, name) for name in names]
    qtbot.wait(300)
    heights = {
        (name, title): (x.height(), x.minimumSizeHint().height())
        for name, (_, widget) in zip(names, docks, strict=True)
        for x in widget.findChildren(QPushButton)
        for title in {x.text()} & {*ACTIONS[name]}
    }
    assert not {key: pair for key, pair in heights.items() if pair[0] < pair[1]}


@pytest.mark.parametrize("height", [768, 1600])
def test_docks_are_tabs_where_forms_would_not_fit(make_napari_viewer, qtbot, monkeypatch, height):
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    viewer = make_napari_viewer(show=True)
    window = viewer.window._qt_window
    window.resize(1366, height)
    names = ("Train DCNN", "Segment nuclei", "Stain")
    docks, tabs = [], window.tabifiedDockWidgets
    for name in names:
        docks.append(viewer.window.add_plugin_dock_widget(PLUGIN, name))
        qtbot.waitUntil(lambda: window.focusWidget() is docks[-1][1])
    (first, _), (_, middle), (last, shown) = docks
    area = shown.findChild(QScrollArea)
    if height == 1600:
        assert not any(tabs(dock) for dock, _ in docks)
    else:
        assert len(tabs(last)) == 2
        qtbot.waitUntil(lambda: area.height() > 400)
        first.raise_()
        qtbot.waitUntil(lambda: docks[0][1].findChild(QScrollArea).height() > 400)
        last.hide()
        last.show()  # as napari's menu does
        qtbot.waitUntil(lambda: not area.visibleRegion().isEmpty())
        window.addDockWidget(window.dockWidgetArea(last), last)  # below them, as by dragging it
        last.hide()
        last.show()
        qtbot.waitUntil(lambda: window.focusWidget() is shown)
        assert not tabs(last)
    viewer.window.remove_dock_widget(first)
    qtbot.waitUntil(lambda: middle.isVisible() and shown.isVisible())


@pytest.fixture
def tabs(make_napari_viewer, qtbot, monkeypatch):
    """A small screen with two widgets, the first of them behind the tab of the other."""
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1366, 768)

    def make(first, second):
        for name in (first, second):
            menu_entry(viewer, name).trigger()
            qtbot.wait(50)
        found = {x.windowTitle(): x for x in viewer.window._qt_window.findChildren(QDockWidget)}
        docks = [found[f"{name} (Marrow)"] for name in (first, second)]
        qtbot.waitUntil(lambda: seen(docks[1]) and not seen(docks[0]))
        assert viewer.window._qt_window.tabifiedDockWidgets(docks[0]) == docks[1:]
        return viewer, *docks

    return make


def seen(dock):
    return not dock.widget().visibleRegion().isEmpty()


def menu_entry(viewer, text):
    """The entry of napari's menu that shows and hides a widget of this plugin."""
    [own] = [x.menu() for x in viewer.window.plugins_menu.actions() if "Marrow" in x.text()]
    [entry] = [x for x in own.actions() if text in x.text()]
    return entry


@pytest.mark.parametrize(
    ("first", "second"),
    [("Train DCNN", "Segment nuclei"), ("Augment", "Train DCNN"), ("Data set", "Stain")],
)
def test_a_widget_behind_a_tab_is_called_up_by_its_menu(tabs, qtbot, first, second):
    viewer, behind, front = tabs(first, second)
    entry = menu_entry(viewer, first)
    entry.trigger()
    qtbot.waitUntil(lambda: seen(behind) and not seen(front), timeout=2000)
    qtbot.wait(50)
    entry.trigger()  # in view, it is hidden, as napari does
    qtbot.waitUntil(lambda: behind.isHidden() and seen(front), timeout=2000)
    qtbot.wait(50)
    assert behind.isHidden()
    entry.trigger()
    qtbot.waitUntil(lambda: seen(behind), timeout=2000)
    front.raise_()
    qtbot.waitUntil(lambda: not seen(behind))
    viewer.window.remove_dock_widget(behind)  # also out of sight, closed is closed
    qtbot.wait(50)
    assert seen(front)


@pytest.mark.parametrize("name", ["Segment nuclei", "Augment"])
def test_a_preview_goes_when_another_tab_covers_its_dock(tabs, draw, qtbot, name):
    viewer, other, dock = tabs("Train DCNN", name)
    image, _ = draw("ALL", 3, (240, 320))
    viewer.add_image(image, name="a", rgb=True)
    box = dock.inner_widget().preview
    for cover in (other.raise_, dock.hide):
        dock.show()
        dock.raise_()
        qtbot.waitUntil(lambda: seen(dock))
        box.setChecked(True)
        qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=20000)
        cover()
        qtbot.waitUntil(lambda: not box.isChecked(), timeout=2000)
        assert [x.name for x in viewer.layers] == ["a"]


def test_all_docks_are_tabs_of_one_place_and_each_is_usable(make_napari_viewer, qtbot, monkeypatch):
    monkeypatch.setattr("napari_marrow.widgets.train_dcnn.WARM_START_AFTER_MS", 10**8)
    viewer = make_napari_viewer(show=True)
    window = viewer.window._qt_window
    window.resize(1366, 768)
    docks = {}
    for name in ACTIONS:
        docks[name] = viewer.window.add_plugin_dock_widget(PLUGIN, name)
        qtbot.waitUntil(partial(has_focus, window, docks[name][1]))
    last = docks[name][0]
    assert len(window.tabifiedDockWidgets(last)) == len(ACTIONS) - 1
    (bar,) = [x for x in window.findChildren(QTabBar) if x.count() == len(ACTIONS)]
    for k in range(bar.count()):  # as a person does: a click on each tab
        assert bar.tabToolTip(k).split(" (")[0] in ACTIONS  # the names may be cut off
        qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(k).center())
        name = bar.tabToolTip(k).split(" (")[0]
        widget = docks[name][1]
        qtbot.waitUntil(partial(is_usable, widget, ACTIONS[name]), timeout=3000)
        assert widget.mapTo(window, widget.rect().bottomRight()).x() <= 1366
    assert viewer.window._qt_viewer.canvas.native.width() > 400


def has_focus(window, widget):
    return window.focusWidget() is widget


def is_usable(widget, titles):
    """Whether the form has room, and each action can be seen whole."""
    found = {x.text(): x for x in widget.findChildren(QPushButton)}
    return widget.findChild(QScrollArea).height() > 300 and all(_whole(found[x]) for x in titles)
