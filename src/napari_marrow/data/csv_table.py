"""Rows of a CSV that a person saved, with any common separator, encoding and names of columns."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from napari_marrow.data.errors import MarrowError
from napari_marrow.data.images import is_image_name
from napari_marrow.data.text import counted, folded

_SEPARATORS = ",;\t|"
_ENDINGS = frozenset({".csv", ".tsv", ".tab", ".txt"})
_COMMENT = re.compile(r'[ \t]*\n|"?#[^\n]*\n')
_NUMBER = re.compile(r"\s*-?\d+(?:[.,]\d+)?\s*")
_QUOTED = re.compile(r"""="([^"]*)"|'([^']*)'|'(\d[^']*)|\u201c([^\u201d]*)\u201d""")
_N_SAMPLED_ROWS = 5
_N_SAMPLED_BYTES = 32
"""Bytes at the start by which UTF-16 without a mark is known."""
MAX_TITLE_LINES, MAX_TYPED_TITLE_LINES = 10, 3
"""Lines above the names of columns: of those that a spreadsheet saved, with a separator for each
column, and of others, of which a text that is no table may have many."""
MAX_HEADER_BYTES = 64 * 1024
Role = Literal["image", "class", "source", "acquisition", "use", "folder"]
"""What a column says of a photograph: which file it is, its class, what it was made from, what it
shares microscope, camera and stain with, whether it is used, and in which folder it lies."""
UNKNOWN = frozenset({
    "", "-", "--", "–", "—", ".", "?", "??", "???", "na", "n/a", "n.a.", "#n/a", "<na>", "nan",
    "none", "null", "nil", "unknown", "unk", "unclear", "undefined", "unspecified", "missing",
    "unlabelled", "unlabeled", "not known", "not available", "no label", "tbd", "to do", "n.d.",
    "not sure", "unsure", "to be determined", "unbekannt", "unklar", "unbestimmt", "nicht bekannt",
    "k.a.", "k. a.", "keine angabe", "keine", "inconnu", "inconnue", "desconocido", "desconocida",
    "desconhecido", "sconosciuto",
})  # fmt: skip
"""Texts, folded, that programs and people write where there is nothing to write."""
_NUMBER_WORD = "(?:id(?:entifier)?s?|names?|no|nr|num|numbers?|nummer|index|idx|codes?)"
_ID = f"(?:s|{_NUMBER_WORD})?"
_PICTURE = "(?:image|img|photo|photograph|picture|pic)"
_PERSON = (
    "(?:pat|patient(?:in|en)?|pa[cz]iente?|case|caso?|fall|subj(?:ect)?|donor|spender(?:in)?"
    "|proband(?:in|en)?|person(?:en)?|individual|participant|volunteer|animal|mouse|accession)"
)
_SPECIMEN = (
    "(?:slide|wsi|smear|ausstrich|specimen|sample|proben?|pr(?:ä|ae)parate?|biops(?:y|ie)|aspirate)"
)
_SPELLINGS: dict[Role, tuple[str, ...]] = {
    "image": (
        "image",
        f"{_PICTURE}(?:file|path)?{_ID}",
        f"{_PICTURE}(?:paths?|files?)",
        "(?:files?|path|stem)(?:names?|paths?|ids?)?",
        "(?:relative|rel|full|absolute|abs)(?:file)?paths?",
        "(?:field|cell|object)(?:names?|ids?)",
        "fnames?|(?:bild|foto|aufnahme)(?:er|datei|name|nummer|nr|id)?|datei(?:name|pfad)?n?",
        r"(?:nom\w*)?(?:fichier|archivo|arquivo|imagen|imagem|immagin[ei])s?",
        "(?:new)?names?",
        "ids?(?:codes?)?|uuid|uid",
    ),
    "class": (
        "class",
        "classe?s?|clase|class(?:names?|labels?)|labelnames?|labels?",
        "diagn[oó]s(?:[ei]s?|en|ti[ck]o?)?|dx",
        "categor(?:y|ies?|[ií]a)(?:names?)?",
        "targets?|targetlabels?|truelabels?|(?:ground)?truth(?:labels?)?|gt",
        "findings?(?:labels?)?",
        "(?:cell|disease|blood|leuka?emia|cancer|lesion|tissue)?(?:sub)?(?:types?|class)(?:names?)?",
        "cls|lbls?|klassen?(?:name)?|zell(?:typ|art|klasse)|befund|kategorie",
        "conditions?|diseases?|patholog(?:y|ies)|phenotypes?|annotations?",
        "(?:class|label|category|target|celltype)(?:ids?|idx|index|no|nr|num|numbers?|codes?)",
    ),
    "source": (
        "source",
        f"{_PERSON}{_ID}|(?:id|code){_PERSON}|(?:study|record){_NUMBER_WORD}|mrn|pid",
        f"{_SPECIMEN}{_ID}",
        f"(?:source|group){_ID}|quelle",
    ),
    "acquisition": (
        "acquisition",
        f"acquisition{_ID}",
        f"(?:microscope|mi[ck]ros[ck]opio|mikroskop|scanner|camera|kamera){_ID}",
        f"(?:lab|labor|laborator(?:y|ies|io)|site|cent(?:er|re)|hospital|clinic|klinik){_ID}",
        f"(?:stain(?:ing)?|färbung)?(?:batch(?:es)?|lot|charge){_ID}|stain(?:ing)?s?|färbung",
    ),
    "use": ("use",),
    "folder": ("folder", "(?:sub)?(?:folder|dir(?:ectory)?|ordner|verzeichnis)(?:s|names?)?"),
}
"""Names of columns by role, the preferred first: without capitals, spaces, hyphens, underscores."""
_GROUPS: frozenset[Role] = frozenset({"source", "acquisition"})


def read_rows(table: Path) -> list[dict[str, str]]:
    """Read the rows by column, without the space around their texts; a missing one is empty.

    Columns may be separated by commas, semicolons, tabs, bars or spaces; their names are in small
    letters. Comments, which begin with #, and empty lines before the names are passed over. A list
    of files and classes without names of columns gets ``filename`` and ``label``.

    Raises
    ------
    MarrowError
        When the table is not there or is no CSV in UTF-8, UTF-16 or Windows-1252.
    """
    return [{name.lower(): text for name, text in row.items()} for row in read_named_rows(table)]


def read_named_rows(table: Path) -> list[dict[str, str]]:
    """Read the rows as :func:`read_rows` does, with the names of columns as they are written."""
    try:
        text = _decode(table.read_bytes(), errors="strict")
        separator = _separator(text)
        rows = list(_reader(text, separator))
    except FileNotFoundError:
        raise MarrowError(f"{table} is not there; check the name.") from None
    except (OSError, UnicodeError, csv.Error) as error:
        raise MarrowError(f"{table} can't be read as CSV; save it as UTF-8 CSV.") from error
    names = [name.strip() for name in rows[0]] if rows else []
    filled = [row for row in rows[1:] if any(text.strip() for text in row)]
    if separator == " " and (long := [row for row in filled if any(row[len(names) :])]):
        raise MarrowError(
            f"{table} has {' '.join(long[0])!r} below {' '.join(names)!r}: it is not clear which "
            "space separates columns; save it as CSV, with commas."
        )
    return [
        {name: row[k].strip() if k < len(row) else "" for k, name in enumerate(names) if name}
        for row in filled
    ]


def is_table_name(path: Path) -> bool:
    """Whether a file's name is that of a table that can be read."""
    return path.suffix.lower() in _ENDINGS


def is_own_table(columns: Iterable[str]) -> bool:
    """Whether columns are those of a result, such as predictions or measurements: no truth."""
    return holds_predictions(columns) or {"index", "y", "x"} <= set(columns)


def holds_predictions(columns: Iterable[str]) -> bool:
    """Whether columns are those of a table of predictions."""
    return any(name.startswith("probability_") for name in columns)


def known_text(text: str) -> str:
    """Return a text; nothing for "NA", "unknown" and the like."""
    return "" if folded(text) in UNKNOWN else text


def columns_by_role(names: Iterable[str]) -> dict[Role, str]:
    """Return which column says what of a photograph, whatever it is called.

    >>> columns_by_role(["file_name", "Cell Type", "width", "Patient-ID"])
    {'image': 'file_name', 'class': 'Cell Type', 'source': 'Patient-ID'}
    >>> columns_by_role(["id", "image ID", "class"])
    {'image': 'image ID', 'class': 'class'}
    """
    plain = _plain(names)
    found = {role: next(iter(_of_role(role, plain)), "") for role in _SPELLINGS}
    return {role: name for role, name in found.items() if name}


def _plain(names: Iterable[str]) -> dict[str, str]:
    """Return names of columns by what their spellings have in common; of equal ones the first."""
    return {re.sub(r"[\W_]+", "", folded(name)): name for name in reversed(list(names))}


def _of_role(role: Role, plain: dict[str, str]) -> dict[str, int]:
    """Return the columns of a role, the preferred first, and the number of the spelling of each."""
    found: dict[str, int] = {}
    for number, spelling in enumerate(_SPELLINGS[role]):
        for name in reversed(plain):
            if re.fullmatch(spelling, name):
                found.setdefault(plain[name], number)
    return found


def read_rows_by_role(table: Path) -> list[dict[Role, str]]:
    """Read the rows of a table, by role; a role that no column has is left out.

    Of several columns for sources, patients count before slides, and those that put more
    photographs together before others. One that tells nothing together or apart comes last. So it
    is with acquisitions, but only one of that very name may tell nothing together or apart.

    Raises
    ------
    MarrowError
        As :func:`read_rows` does.
    """
    rows = read_rows(table)
    by_role = columns_by_role(rows[0]) if rows else {}
    for role in (_GROUPS & by_role.keys()) if "image" in by_role else ():
        by_role[role] = _grouping_column(role, rows, by_role["image"])
    by_role = {role: name for role, name in by_role.items() if name}
    return [{role: row[name] for role, name in by_role.items()} for row in rows]


def _grouping_column(role: Role, rows: list[dict[str, str]], image: str) -> str:
    """Return the column of sources, or of acquisitions, that counts; empty if none does."""
    names = _of_role(role, _plain(rows[0]))
    n_images = len({row[image] for row in rows})
    counts = {name: len({folded(row[name]) for row in rows} - UNKNOWN) for name in names}
    useful = [n for n in names if names[n] == 0 or 1 < counts[n] < n_images]
    useful = useful or [n for n in names if role == "source"]
    return min(useful, key=lambda name: (names[name], counts[name]), default="")


def fill_merged_cells(name: str, rows: list[dict[Role, str]]) -> list[str]:
    """Give rows without a source that of the row above, where a spreadsheet had merged cells.

    That is where several sources stand in one row each, the first row's among them.

    Parameters
    ----------
    name
        The table, as messages name it.

    Returns
    -------
    list of str
        A sentence with the number of such rows.
    """
    texts = [row.get("source", "") for row in rows]
    given = list(filter(None, texts))
    empty = len(texts) - len(given)
    is_merged = 1 < len(given) == len({*map(folded, given)} - UNKNOWN)
    if not (empty and is_merged and texts[0]):
        return []
    for above, row in itertools.pairwise(rows):
        row["source"] = row["source"] or above["source"]
    what = counted(empty, "row")
    return [
        f"{name} gives no source in {what}: as in merged cells, that of the row above is "
        "taken. If that is wrong, write one in every row."
    ]


def columns(table: Path) -> tuple[str, ...]:
    """Read the names of a table's columns, in small letters; none where the file is no table."""
    try:
        with open(table, "rb") as file:
            text = _decode(file.read(MAX_HEADER_BYTES), errors="replace")
        header = _header(text)
    except (OSError, csv.Error):
        return ()  # some other program's file
    return tuple(name.strip().lower() for name in header)


def _decode(content: bytes, errors: str) -> str:
    encoding = "utf-8-sig"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif len(content) > 1 and not any(content[1:_N_SAMPLED_BYTES:2]):
        encoding = "utf-16-le"  # without a mark: each letter has a zero byte
    elif len(content) > 1 and not any(content[0:_N_SAMPLED_BYTES:2]):
        encoding = "utf-16-be"
    try:
        text = content.decode(encoding, errors)
    except UnicodeDecodeError:
        text = content.decode("cp1252")  # Excel's "CSV" where Windows speaks a western language
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r'^"?sep=(.)"?\n', "", text)  # Excel's note of the separator
    return _with_header(_without_title(_without_comments(text)))


def _without_title(text: str) -> str:
    """Drop the lines of a title above names of columns for images and classes."""
    below, title = text, list[str]()
    for _ in range(MAX_TITLE_LINES + 1):
        if {"image", "class"} <= columns_by_role(_header(below)).keys():
            mark, header = _separator(below), below.partition("\n")[0]
            typed = [line for line in title if line.count(mark) != header.count(mark)]
            return below if len(typed) <= MAX_TYPED_TITLE_LINES else text
        line, _, below = below.partition("\n")
        title.append(line)
        below = _without_comments(below)
    return text


def _with_header(text: str) -> str:
    """Put names of columns above a list of files and their classes that has none."""
    separator = _separator(text)
    return separator.join(_implied_header(_first_rows(text, separator))) + text


def _implied_header(rows: list[list[str]]) -> list[str]:
    """Return names of columns for the first rows of a list of files and classes; else nothing."""
    if {len(row) for row in rows} != {2}:
        return []
    files = [
        [is_image_name(Path(text.strip())) for text in column] for column in zip(*rows, strict=True)
    ]
    if [all(files[0]), any(files[1])] == [True, False]:
        labels, header = [row[1] for row in rows], ["filename", "label\n"]
    elif [any(files[0]), all(files[1])] == [False, True]:
        labels, header = [row[0] for row in rows], ["label", "filename\n"]
    else:
        return []
    is_measured = all(map(_NUMBER.fullmatch, labels)) and len({*labels}) == len(labels) > 2
    return [] if is_measured else header


def _without_comments(text: str) -> str:
    """Drop comments and empty lines before the names of the columns, and the # of these names."""
    comment = ""
    while match := _COMMENT.match(text):
        comment, text = match[0].strip('"#\t '), text[match.end() :]
    above = comment + text
    return above if not _names_roles(_header(text)) and _names_roles(_header(above)) else text


def _names_roles(header: list[str]) -> bool:
    """Whether at least two columns tell something of photographs."""
    return len(columns_by_role(header)) > 1


def _reader(text: str, separator: str) -> Iterator[list[str]]:
    for row in csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True):
        yield [_without_quotes(cell) for cell in row]


def _without_quotes(cell: str) -> str:
    """Return a text without what keeps spreadsheets from reading it as a number.

    >>> [_without_quotes(text) for text in ('="001"', "'001", "'1.png'", "5' fixed")]
    ['001', '001', '1.png', "5' fixed"]
    """
    if match := _QUOTED.fullmatch(cell.strip()):
        return next(text for text in match.groups() if text is not None)
    return cell


def _header(text: str) -> list[str]:
    return next(_reader(text, _separator(text)), [])


def _separator(text: str) -> str:
    """Return what the first line has most of: programs of some countries write semicolons.

    Before that counts what leaves most names of columns. Spaces separate where it has none, and the
    first rows have as many texts as it has names.
    """
    header = text.partition("\n")[0]
    present = [mark for mark in _SEPARATORS if mark in header]
    if len(present) > 1:
        known = {mark: len(columns_by_role(header.split(mark))) for mark in present}
        present = [mark for mark in present if known[mark] == max(known.values())]
    if present:
        return max(present, key=header.count)
    rows = _first_rows(text, " ")
    same = len(rows) > 1 and len({len(row) for row in rows}) == 1
    if _names_roles(header.split(":")):
        return ":"
    is_spaced = same and (_names_roles(rows[0]) or _implied_header(rows))
    return " " if is_spaced else _SEPARATORS[0]


def _first_rows(text: str, separator: str) -> list[list[str]]:
    lines = text.split("\n", _N_SAMPLED_ROWS)[:_N_SAMPLED_ROWS]
    return [row for row in _reader("\n".join(map(str.rstrip, lines)), separator) if row]
