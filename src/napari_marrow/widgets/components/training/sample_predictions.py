"""Thumbnails of a few images with what a network answers for them while it learns."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QRect, QSize, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPixmap
from qtpy.QtWidgets import QGridLayout, QSizePolicy, QWidget

from napari_marrow.jobs.watched import WatchedReport, WatchedThumbnails
from napari_marrow.widgets.components.layout import fill_column, plain_tooltip, text_label

N_COLUMNS = 4
THUMBNAIL_PX = 64
MARGIN_PX = 4
RIGHT, WRONG = "\N{CHECK MARK}", "\N{BALLOT X}"
FRAME_PX, FRAME_COLOUR = 4, "#D55E00"


class SamplePredictions(QWidget):
    """A few images, each with its given class, and the class and probability of the answer."""

    def __init__(self) -> None:
        super().__init__()
        self.about = text_label()
        self.samples: list[Sample] = []
        self._images: WatchedThumbnails | None = None
        self._grid = QGridLayout()
        self._grid.setSpacing(MARGIN_PX)
        for column in range(N_COLUMNS):
            self._grid.setColumnStretch(column, 1)
        fill_column(self, self.about, self._grid)
        self.hide()

    def clear(self) -> None:
        """Show no images."""
        self._images = None
        for sample in self.samples:
            self._grid.removeWidget(sample)
            sample.deleteLater()
        self.samples = []
        self.hide()

    def show_report(self, report: WatchedReport, networks: int = 1) -> None:
        """Show the answers, and the images where they come along.

        Parameters
        ----------
        report
            Of the training.
        networks
            Number of networks in the model.
        """
        if report.thumbnails is not self._images and report.thumbnails is not None:
            self.clear()
            self._images = report.thumbnails
            files = zip(report.thumbnails.thumbnails, report.thumbnails.names, strict=True)
            self.samples = [Sample(*pair) for pair in files]
            for k, sample in enumerate(self.samples):
                self._grid.addWidget(sample, *divmod(k, N_COLUMNS))
                # that of the parent, which it would get only when that changes
                sample.setFont(QFont())
        if (images := self._images) is None:
            return
        n_right = 0
        for sample, given, row in zip(
            self.samples, images.given, report.probabilities, strict=True
        ):
            best = max(range(len(row)), key=row.__getitem__)
            n_right += images.classes[best] == given
            sample.show_answer(given, images.classes[best], row[best])
        whose = f", network {report.member} of {networks}" if networks > 1 else ""
        when = "all networks" if not report.member else f"epoch {report.epoch}{whose}"
        text = f"Images of the {images.side} side, {when}: {n_right} of {len(self.samples)} right."
        self.about.setText(text)
        self.show()


class Sample(QWidget):
    """One image above its given class and the answer; a wrong answer has a cross and a frame.

    Parameters
    ----------
    file
        The image, as a PNG file.
    name
        Where it is from.
    """

    def __init__(self, file: bytes, name: str):
        super().__init__()
        self._picture, self._name = QPixmap(), name
        self._picture.loadFromData(file)
        self.lines: Sequence[str] = ("", "", "")
        self.wrong = False
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_answer(self, given: str, answer: str, probability: float) -> None:
        """Show the given class and the answer."""
        self.wrong = answer != given
        sign = WRONG if self.wrong else RIGHT
        self.lines = (given, f"{sign} {answer}", f"{probability:.0%}")
        verb = "answered" if self.wrong else "rightly answered"
        text = f"{self._name}\nGiven {given}, {verb} {answer} ({probability:.0%})."
        self.setToolTip(plain_tooltip(text))
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size of the image with the lines of text below it."""
        height = THUMBNAIL_PX + len(self.lines) * self.fontMetrics().lineSpacing() + MARGIN_PX
        return QSize(THUMBNAIL_PX + 2 * MARGIN_PX, height)

    def minimumSizeHint(self) -> QSize:
        """Return the same."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the image, and texts that end in an ellipsis where they are too long."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        place = QRect((self.width() - THUMBNAIL_PX) // 2, 0, THUMBNAIL_PX, THUMBNAIL_PX)
        painter.drawPixmap(place, self._picture)
        colour = self.palette().color(self.foregroundRole())
        if self.wrong:
            pen = QPen(QColor(FRAME_COLOUR), FRAME_PX)
            pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            painter.setPen(pen)
            inset = FRAME_PX // 2
            painter.drawRect(place.adjusted(inset, inset, -inset, -inset))
        painter.setPen(colour)
        metrics, top = self.fontMetrics(), THUMBNAIL_PX
        for line in self.lines:
            text = metrics.elidedText(line, Qt.TextElideMode.ElideRight, self.width())
            where = QRect(0, top, self.width(), metrics.lineSpacing())
            painter.drawText(where, Qt.AlignmentFlag.AlignHCenter, text)
            top += metrics.lineSpacing()
        painter.end()
