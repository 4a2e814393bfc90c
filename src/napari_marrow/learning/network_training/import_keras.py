"""Import Keras and its backend, once, without the lines they print on every start."""

from __future__ import annotations

import os
import sys
import tempfile


def start_keras() -> None:
    """Import Keras and its backend; show what they print only when the import fails.

    TensorFlow writes several lines to descriptor 2 before its log level is read, so nothing but
    redirecting the descriptor itself keeps a user's terminal free of them.
    """
    if "keras" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 2)
        try:
            from napari_marrow.learning.network_training import devices

            devices.list_devices()  # the backend looks for its devices, and prints, at first use
        except BaseException:  # also an interrupt: what was printed belongs to it
            printed.seek(0)
            os.write(kept, printed.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
