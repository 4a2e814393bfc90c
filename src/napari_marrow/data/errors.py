"""The errors of the package: those that users see, and one for work that was cancelled."""

from napari_marrow.data.text import one_line


class MarrowError(Exception):
    """An error that a user can correct.

    The message is one sentence (two at the most) that names the file, what is wrong with it, and
    what to do. The command line prints it and exits with 1; the viewer shows it as a notification.
    Any other exception is a fault of the program.
    """

    def __init__(self, message: str = ""):
        super().__init__(one_line(message))


class EditedResultError(MarrowError):
    """An output would replace an older result that may have been edited; ``force`` allows it."""


class Stopped(Exception):
    """The user cancelled the work."""


class LeftOutError(MarrowError):
    """A table of classes leaves out all that was named."""
