"""Names and numbers in sentences, tables and JSON: plurals, long lists, names in any encoding."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_SURROGATES = re.compile("[\ud800-\udfff]")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FIRST_ESCAPED_BYTE = 0xDC80
"""How Python writes the byte 0x80 of a file's name that is not valid UTF-8."""


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number and a word, in the plural where it is not 1.

    >>> counted(1, "field"), counted(0, "field"), counted(2, "nucleus", "nuclei")
    ('1 field', '0 fields', '2 nuclei')
    """
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def listed(names: Sequence[str], limit: int = 5) -> str:
    """Join the first names of many, and tell how many more there are."""
    rest = len(names) - limit
    first = ", ".join(map(quoted, names[:limit]))
    return one_line(first + (f" and {rest} more" if rest > 0 else ""))


def quoted(name: str) -> str:
    """Return a name as it stands in a list: in quotes if it holds a comma.

    >>> quoted("Bauer, ALL/1.png"), quoted("1.png")
    ("'Bauer, ALL/1.png'", '1.png')
    """
    return f"'{name}'" if "," in name and not name.startswith("'") else name


def first_few(sentences: Sequence[str], limit: int = 3) -> list[str]:
    """Return the first of many sentences, and how many more there are.

    >>> first_few(["a is hidden", "b is hidden", "c is hidden"], 1)
    ['a is hidden', 'and 2 more']
    """
    rest = len(sentences) - limit
    return [*sentences[:limit], *([f"and {rest} more"] if rest > 0 else [])]


def printable(text: str) -> str:
    r"""Return a text as valid Unicode: bytes of names that are not UTF-8 are escaped.

    >>> printable("caf\udce9.png"), printable("café.png")
    ('caf\\xe9.png', 'café.png')
    """
    return _SURROGATES.sub(_escape, text)


def in_windows_1252(text: str) -> str:
    r"""Return a file's name that is not UTF-8 as programs with a western code page show it.

    >>> in_windows_1252("caf\udce9.png"), in_windows_1252("café.png")
    ('café.png', 'café.png')
    """
    if not _SURROGATES.search(text):
        return text
    return text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")


def one_line(text: str) -> str:
    r"""Return a printable text with a replacement character for each line break or control.

    >>> one_line("a\nb\x1b.png") == "a\ufffdb\ufffd.png"
    True
    """
    return _CONTROLS.sub("\ufffd", printable(text))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    byte = code - _FIRST_ESCAPED_BYTE + 0x80
    return rf"\x{byte:02x}" if 0x80 <= byte <= 0xFF else rf"\u{code:04x}"


def one_form(text: str) -> str:
    """Return a printable text in Unicode's composed form (NFC), with single spaces.

    >>> one_form(" E\u0301osinophile  1") == "\u00c9osinophile 1"
    True
    """
    return " ".join(unicodedata.normalize("NFC", printable(text)).split())


def folded(text: str) -> str:
    """Return what all spellings of a name have in common that look the same.

    Those are Unicode forms, full-width letters, invisible characters, capitals and spaces.

    >>> folded("E\u0301OSINOPHILE ") == folded("\u00c9osinophile")
    True
    >>> folded("\uff2d\uff2d\u200b") == folded("MM")
    True
    """
    plain = unicodedata.normalize("NFKC", printable(text))
    visible = "".join(c for c in plain if unicodedata.category(c) != "Cf")
    return one_form(one_form(visible).casefold())
