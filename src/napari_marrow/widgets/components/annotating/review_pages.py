"""The pages of "Annotate cells" that ask, count, correct and go back."""

from __future__ import annotations

import napari

from napari_marrow.viewer.annotating.open_project import open_project_of
from napari_marrow.widgets.components.annotating.ask_page import AskPage
from napari_marrow.widgets.components.annotating.correct_page import CorrectPage
from napari_marrow.widgets.components.annotating.count_page import CountPage
from napari_marrow.widgets.components.annotating.history_page import HistoryPage
from napari_marrow.widgets.components.pages import Pages


class ReviewPages:
    """Adds the pages to those of the widget.

    Parameters
    ----------
    viewer
        Where the project is open.
    pages
        Those of the widget.
    """

    def __init__(self, viewer: napari.Viewer, pages: Pages):
        project = open_project_of(viewer)
        self.ask, self.count = AskPage(project), CountPage(project)
        self.correct, self.history = CorrectPage(project), HistoryPage(project)
        pages.add("Ask", self.ask, "Which cell to give a class next, and how good the model is.")
        pages.add("Count", self.count, "The share of each class, against a cut-off.")
        pages.add("Correct", self.correct, "Accept answers at once; look at doubtful classes.")
        pages.add("History", self.history, "Bring an earlier moment back.")
