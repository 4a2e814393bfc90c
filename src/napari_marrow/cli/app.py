"""The application: parsing of options, exit status and errors of every command.

Standard output carries results, standard error progress and errors. ``--json`` prints one JSON
object. Exit 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated

import cyclopts
from cyclopts import App, CycloptsError, Parameter, Token

from napari_marrow import __version__
from napari_marrow.cli.console import console
from napari_marrow.data.errors import EditedResultError, MarrowError, Stopped
from napari_marrow.data.options import Settings
from napari_marrow.data.text import printable
from napari_marrow.report.colours import RESEARCH_ONLY


def _converted(hint: type, tokens: Sequence[Token]) -> object:
    """Convert the value of an option; 1.5 is an error where a whole number is needed.

    Names are one value, separated by commas.
    """
    if hint == tuple[str, ...]:
        return tuple(name.strip() for token in tokens for name in token.value.split(","))
    if hint is int and not re.fullmatch(r"[+-]?\d+", tokens[0].value):
        raise ValueError(f"{tokens[0].value!r} is not a whole number.")
    return cyclopts.convert(hint, [token.value for token in tokens])


app = App(
    default_parameter=Parameter(converter=_converted),
    name="napari-marrow",
    help="Bone-marrow microscopy: fields, masks, training and labelling. " + RESEARCH_ONLY,
    help_epilogue="Every command takes --json (one JSON object) and --debug (traceback of errors).",
    version=__version__,
    suppress_keyboard_interrupt=False,  # else it exits here with 130 and no message
)
# The options of a settings dataclass, with the help that its fields carry.
AsOptions = Parameter(name="*")
# Short for the command line, in full in forms and JSON.
SHORT = {"operations": "ops", "class_name": "class"}
AsListOptions = Parameter(
    name="*",
    name_transform=lambda name: SHORT.get(name, name).replace("_", "-"),
    negative_iterable="",
)
AsForce = Annotated[
    bool,
    Parameter(
        name="--force",
        negative="",
        help="Also replace older results that no longer have the form in which they were written "
        "(columns, separators, files), and labels; never inputs or other files.",
    ),
]
AsStrict = Annotated[
    bool,
    Parameter(name="--strict", negative="", help="End at the first photograph that can't be used."),
]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON object.")]


class UsageError(Exception):
    """The command was called in a way that can't work."""


def no_problems(settings: Settings) -> None:
    """Raise UsageError for settings that can't work."""
    if problems := settings.problems():
        raise UsageError(" ".join(problems))


def main(tokens: list[str] | None = None) -> None:
    """Run the command of ``tokens`` (or of the command line) and exit."""
    # asked to end, tidy up as after Ctrl-C: half-written folders go
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(sys.argv[1:] if tokens is None else tokens))


def run(tokens: list[str]) -> int:
    """Run a command and return its exit status; errors become one line."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    debug = "--debug" in tokens
    tokens = [token for token in tokens if token != "--debug"]
    if not debug:
        warnings.simplefilter("ignore")
    try:
        app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads the output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (CycloptsError, UsageError) as error:
        return _complain(error, debug, 2)
    except EditedResultError as error:
        return _complain(error, debug, 1, f"{error} Or replace it with --force.")
    except (MarrowError, Stopped) as error:
        return _complain(error, debug, 1)
    except KeyboardInterrupt as error:
        return _complain(Stopped("Stopped; nothing was written.") if not debug else error, debug, 1)
    except Exception as error:  # noqa: BLE001 - unexpected errors are one line too
        kind = type(error).__name__
        text = f"unexpected {kind}: {error}; run it again with --debug and report what it shows."
        return _complain(error, debug, 1, text)
    return 0


def _complain(error: BaseException, debug: bool, status: int, text: str = "") -> int:
    if debug:
        console.print_exception() if sys.exc_info()[0] else console.print(str(error))
    message = printable(" ".join((text or str(error)).split()))
    print(f"napari-marrow: {message}", file=sys.stderr)
    return status
