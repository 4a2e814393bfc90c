"""The one error that users see, and the one that they ask for."""


class MarrowError(Exception):
    """Something a user can put right.

    The message is one sentence (two at the most) that names the file, says what is wrong with it,
    and what to do. The command line prints it and exits with 1; the viewer shows it as a
    notification. Anything else that is raised is a fault of the program.
    """


class Stopped(Exception):
    """The user asked the work to stop, and it did."""
