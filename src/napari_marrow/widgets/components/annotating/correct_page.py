"""Accept answers of the model at once, and look again at classes that are doubted."""

from __future__ import annotations

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.project.annotations import Given
from napari_marrow.data.text import counted
from napari_marrow.learning.annotating.accepting import (
    AcceptSettings,
    acceptable,
    accepting_in_words,
)
from napari_marrow.viewer.annotating.open_project import OpenProject
from napari_marrow.widgets.components.annotating.review_page import ReviewPage
from napari_marrow.widgets.components.forms import SettingsForm
from napari_marrow.widgets.components.layout import button, fill_column, row, text_label


class CorrectPage(ReviewPage):
    """A form and a button that accept answers, and a queue of doubted classes."""

    def __init__(self, project: OpenProject):
        super().__init__(project)
        self.form = SettingsForm(AcceptSettings())
        self.form.changed.connect(self.refresh)
        self.accept_button = button(
            "Accept all",
            self.accept,
            "Give all cells without a class what the model answers, where that is probable enough "
            "and not uncertain. One step of undo.",
        )
        self.about = text_label()
        self.doubtful_button = button(
            "Next doubtful",
            self._ask,
            "Show a cell whose class a model doubts that did not learn from its field.",
        )
        self.keep_button = button(
            "Keep", self._keep, "The class of this cell is right; it is not asked again."
        )
        self.doubts = text_label()
        fill_column(
            self,
            self.form,
            self.accept_button,
            self.about,
            row(self.doubtful_button, self.keep_button),
            self.doubts,
        )
        self.refresh()

    def accept(self) -> None:
        """Give cells what the model answers; one step of undo."""
        questions = self.questions
        known = None if questions is None else questions.live.answers
        if questions is None or known is None:
            return
        try:
            rows = acceptable(known, self.form.checked_settings())
            names = {k: known.classes[int(known.answers[k])] for k in rows.tolist()}
            questions.live.record({k: Given(name, known.model) for k, name in names.items()})
        except MarrowError as error:
            questions.live.session.say(str(error))

    def _ask(self) -> None:
        found = None if self.reviewing is None else self.reviewing.review
        if self.questions is not None and found is not None:
            self.questions.ask_doubtful([x.question for x in found.doubts.found])

    def _keep(self) -> None:
        if self.questions is not None:
            self.questions.keep()

    def refresh(self) -> None:
        """Say what would be accepted, what is doubted, and what was corrected."""
        questions, reviewing = self.questions, self.reviewing
        known = None if questions is None else questions.live.answers
        rows = None if known is None else acceptable(known, self.form.settings())
        self.accept_button.setEnabled(rows is not None and len(rows) > 0)
        self.about.setText("" if known is None or rows is None else accepting_in_words(known, rows))
        found = None if reviewing is None else reviewing.review
        asked = None if questions is None else questions.question
        is_doubtful = asked is not None and asked.why == "doubtful"
        self.doubtful_button.setEnabled(found is not None and bool(found.doubts.found))
        self.keep_button.setEnabled(is_doubtful)
        if found is None:
            self.doubts.setText("")
            return
        count = len(found.doubts.found)
        doubted = counted(count, "given class is", "given classes are")
        text = questions.text if questions is not None and is_doubtful else ""
        parts = [
            text,
            found.doubts.unchecked or f"{doubted} doubted.",
            f"{counted(found.n_corrected, 'accepted answer')} corrected.",
        ]
        self.doubts.setText(" ".join(filter(None, parts)))
