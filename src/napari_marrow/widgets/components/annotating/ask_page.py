"""Ask about the next cell, and say how good the model and how sure the person is."""

from __future__ import annotations

from qtpy.QtWidgets import QCheckBox

from napari_marrow.viewer.annotating.open_project import OpenProject
from napari_marrow.widgets.components.annotating.review_page import ReviewPage
from napari_marrow.widgets.components.layout import button, fill_column, row, text_label

HOW = (
    "Next shows the cell that tells the model most; 1 to 9 give its class, Space the class that "
    "the model says, 0 passes over it. Every tenth is drawn at random, one in twenty is one that "
    "had a class."
)


class AskPage(ReviewPage):
    """Buttons that ask, why the shown cell is asked, and the fair estimate."""

    def __init__(self, project: OpenProject):
        super().__init__(project)
        self.next_button = button("Next (N)", self._ask, "Show the next cell to give a class.")
        self.stop_button = button("Stop", self._stop, "Keys act on the cell under the pointer.")
        self.go_on = QCheckBox("Go on by itself")
        self.go_on.setToolTip("An answer brings the next cell.")
        self.go_on.setChecked(True)
        self.at_random = QCheckBox("Draw all at random")
        self.at_random.setToolTip(
            "For a score of the model, and a count that is corrected for its errors, sooner."
        )
        for box in (self.go_on, self.at_random):
            box.toggled.connect(self._set_options)
        self.why, self.worth = text_label(HOW), text_label()
        fill_column(
            self,
            row(self.next_button, self.stop_button),
            row(self.go_on, self.at_random),
            self.why,
            self.worth,
        )
        self.refresh()

    def _set_options(self) -> None:
        if self.questions is not None:
            self.questions.go_on = self.go_on.isChecked()
            self.questions.at_random = self.at_random.isChecked()

    def _ask(self) -> None:
        if self.questions is not None:
            self.questions.ask()

    def _stop(self) -> None:
        if self.questions is not None:
            self.questions.stop()

    def refresh(self) -> None:
        """Say why the shown cell is asked, and what the answers are worth."""
        self._set_options()
        questions = self.questions
        self.next_button.setEnabled(questions is not None)
        self.stop_button.setEnabled(questions is not None and questions.question is not None)
        self.why.setText(HOW if questions is None else questions.text or HOW)
        found = None if self.reviewing is None else self.reviewing.review
        sentences = [] if found is None else [*found.estimate.sentences]
        if found is not None and found.agreement is not None:
            sentences.append(found.agreement.text)
        self.worth.setText(" ".join(sentences))
        self.worth.setVisible(bool(sentences))
