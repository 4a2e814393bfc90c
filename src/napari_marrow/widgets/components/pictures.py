"""Pictures as Qt shows them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qtpy.QtGui import QIcon, QImage, QPixmap


def picture_icon(image: NDArray[np.uint8]) -> QIcon:
    """Return an icon of an RGB image, (height, width, 3)."""
    height, width = image.shape[:2]
    pixels = image.tobytes()  # kept until the pixmap has copied it
    picture = QImage(pixels, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QIcon(QPixmap.fromImage(picture))
