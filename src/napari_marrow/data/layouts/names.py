"""Class and source of a photograph by the names of its file and folders."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from napari_marrow.data.text import one_form, printable

_CLASS_IN_NAME = re.compile(r"(?:^|[_\- ])(ALL|MM)(?=$|[_\- ])")
# "ALL_1_rotate90" was made from "ALL_1": the same source. All names that the augmentation gives
# are among these; at the beginning of a name they say nothing.
_DERIVED = re.compile(
    r"(?:(?: -)?[_\- ](?:rot(?:ate|ated)?[_\-]?\d*|(?:[hv]|horizontal_?|vertical_?)?flip\w*"
    r"|mirror\w*|edges?|aug\w*|(?:cop(?:y|ie|ia)|kopie)(?: ?\d+| ?\(\d+\))?"
    r"|(?:bright(?:ness|er)?|contrast|zoom|shear|shift)\d*"
    r"|crop[_\-]?border|(?:translate|blur|distort|equali[sz]e|light|stain|noise)\d*))+$",
    re.IGNORECASE,
)
_DERIVED_PREFIX = re.compile(
    r"(?:^|(?<=/))aug(?:m(?:ented)?)?(?:im(?:g|age)s?)?(?:[_\-]?\d+)?[_\-]"
    r"(?=[^/]*[a-z][^/]*$)(?!(?:rot|\w?flip|mirror)[^/]*$)",
    re.IGNORECASE,
)
# Roboflow: <stem>_<suffix>.rf.<hash>, <stem>.<suffix>.rf.<hash>.
# Augmentor: <class>_original_<file>_<uuid>.
_ROBOFLOW = re.compile(r"(?:[_.](?:bmp|png|jpe?g|tiff?|webp))+\.rf\.[0-9a-z]{16,}$", re.IGNORECASE)
_AUGMENTOR = re.compile(
    r"(?:^|(?<=/))[^/]*?_original_([^/]+)\.\w{3,4}_[0-9a-f-]{8,36}$",
    re.IGNORECASE,
)
# C-NMC 2019: UID_<patient>_<image>_<cell>_<class>; healthy patients are H1, H2 ...
_CNMC = re.compile(r"^UID_(?P<patient>H?\d+)_\d+_\d+_(?P<class>all|hem)$", re.IGNORECASE)
# ALL-IDB: Im001_1 shows a blast (or, whole fields, a patient with ALL), Im131_0 none. Other names
# look much like it, so capitals and the number of digits count.
_ALL_IDB = re.compile(r"^Im\d{3}_(?P<class>[01])$")
_ALL_IDB_CLASSES = {"1": "blast", "0": "normal"}

KNOWN_CLASSES = frozenset({"ALL", "MM"})
"""Of SN-AM: whatever lies below a folder of this name belongs to it."""
# Folders that say how data are kept or used: their name is no class.
_PARTS = frozenset(
    "test tests testing train training trainings val valid validation holdout heldout eval evaluation "  # noqa: SIM905, E501
    "unlabelled unlabeled unannotated inference unseen ungelabelt nolabel nolabels withoutlabel "
    "withoutlabels ohnelabel validierung validierungs prüfung".split()
)
_LEARNT_FROM = frozenset("train training trainings labelled labeled annotated gelabelt".split())  # noqa: SIM905
_PART_ENDING = re.compile(r"(?<=[^\W\d_]{2})(?:sets?|data|daten|bilder|images?|folder|ordner)$")
_ALL_IDB_FOLDER = re.compile(r"^ALL[\W_]*IDB", re.IGNORECASE)
# Folders of what a class consists of: a single one of these is nowhere a class.
_PERSON = (
    r"(?:patient(?:in)?|pat|case|subj(?:ect)?|donor|person|individual|participant|volunteer|animal"
    r"|mouse|fall|proband(?:in)?|spender(?:in)?"
    r"|slide|wsi|smear|sample|specimen|aspirate|biopsy)"
)
# "P01_ALL", "patient1 blast", "normal case 3": a patient and the class in one name
_ONE_PERSON = rf"(?:{_PERSON}[\W_]*[a-z]?\d+|pt?[\W_]?\d+)"
_PERSON_AND_CLASS = re.compile(
    rf"(?:(?P<first>{_ONE_PERSON})[\W_]+(?P<behind>.*[^\W\d_].*)"
    rf"|(?P<before>.*[^\W\d_].*?)[\W_]+(?P<last>{_ONE_PERSON}))",
    re.IGNORECASE,
)
# P1 and P2, K01 and K02, but not the kinds of leukaemia
_SERIAL = re.compile(r"(?![lmvxz][\W_]*\d)(?P<letters>[a-z]{1,2})[\W_]*\d{1,4}", re.IGNORECASE)
_UNIT = rf"(?:{_PERSON}|batch|day|session)"
_UNITS = re.compile(
    # "patients" are many, and may well be a class beside "controls"
    rf"^(?:{_UNIT}(?!s$)[\W_]*(?:[a-z]|[a-z]?\d+[a-z]?)"
    # PC and PM are plasma cells and promyelocytes, P07 and P_A are patients
    r"|pt?(?:[\W_]+[a-z]|[\W_]+[a-z]?\d+[a-z]?|\d+[a-z]?))$",
    re.IGNORECASE,
)
_PERSONS = re.compile(
    rf"^{_PERSON}(?!s$)[\W_]*(?:[a-z]|[a-z]{{0,4}}[\W_]*\d[\w.-]*)$", re.IGNORECASE
)
_GROUPS = re.compile(rf"{_UNIT}e?s$", re.IGNORECASE)
# Words for cells and diagnoses: they tell the folder of a class from a patient's.
_CLASS_WORD = re.compile(
    r"[lm]\d|all|aml|apl|cll|cml|mds|mm|hem|normal|health\w*|controls?|benign|malign\w*|early|pre|pro"
    r"|(?:im)?mature|positive|negative|(?:un)?infected|parasiti[sz]ed|reactive|atypical|abnormal"
    r"|leuk\w*|plasma|platelets?|smudge|bands?|tumou?rs?|cancer|diseased?|patients"
    r"|gesunde?|kranke?|erkrankte?|kontrollen?|patient(?:en|innen)|gutartig|b(?:ö|oe)sartig|reife?"
    r"|\w*(?:zyt|blast)en|\w*phile"
    r"|\w*(?:cyt(?:e|ic)|blast(?:ic|oma)?|phil|lymphoma|myeloma|a?emi[ac])s?"
)
_KEPT_IN = re.compile(
    r"(?:data|dataset|sets?|slides|smears|images?|imgs?|im|photos?|photographs?|pictures?|fields?|originals?|raw|folds?"
    r"|crops?|cropped|resized|jpe?gimages?|(?:images|labels)t[rs]"
    r"|bmps?|pngs?|tiffs?|tifs?|jpe?gs?|x\d*|\d+x?"
    # pictures of which nobody has decided the class: "to_classify", "New folder (2)"
    r"|unsorted|unassigned|uncategori[sz]ed|undecided|to|be|not|yet|do|todo|classify|predict|label"
    r"|labell?ed|sort|sorted|annotate|annotated|review|reviewed|new|folder|untitled|ordner|neuer"
    r"|inbox|pending"
    # and what is meant for a later question
    r"|dev|blind|quer(?:y|ies)|challenge|calibration|external|extern|independent|submission"
    r"|unknown|unbekannt|unclassified|unklassifiziert)$"
)


def classes_of_names(stems: Iterable[str]) -> tuple[list[str | None], str]:
    """Return the class of each photograph of a set by its stem, and the data set of such names.

    Names of ALL-IDB2 count only if all are such names: they have no word for the class.

    >>> classes_of_names(["Im001_1", "Im131_0"]), classes_of_names(["Im001_1", "x"])
    ((['blast', 'normal'], 'ALL-IDB2'), ([None, None], ''))
    """
    stems = [_DERIVED.sub("", stem) for stem in stems]
    all_idb = [_ALL_IDB.match(stem) for stem in stems]
    if all_idb and all(all_idb):
        return [_ALL_IDB_CLASSES[match["class"]] for match in all_idb if match], "ALL-IDB2"
    classes = [class_of_name(stem) for stem in stems]
    by_cnmc = any(map(_CNMC.match, stems))
    return classes, ("C-NMC" if by_cnmc else "SN-AM") if any(classes) else ""


def class_of_name(stem: str) -> str | None:
    """Return the class that a photograph's stem has a word for, or None.

    >>> [class_of_name(s) for s in ("25_ALL_5", "UID_H11_3_1_hem", "Im131_0", "slide 7")]
    ['ALL', 'hem', None, None]
    """
    stem = _DERIVED.sub("", stem)
    if match := _CNMC.match(stem):
        return match["class"].lower()
    found = _CLASS_IN_NAME.findall(stem)
    return found[0] if found and len(set(found)) == 1 else None


def source_of_name(path: Path) -> str:
    """Return what the photograph at ``path``, relative to the root, was made from.

    In C-NMC that is the patient, in whichever fold; else the photograph itself, unless its name
    says that it was rotated, mirrored or otherwise made from another.

    >>> source_of_name(Path("fold_0/all/UID_11_1_2_all.bmp"))
    'UID_11'
    >>> source_of_name(Path("ALL/ALL_1_rotate90.bmp"))
    'ALL/ALL_1'
    >>> source_of_name(Path("noise/noise_7.bmp"))
    'noise/noise_7'
    """
    if match := _CNMC.match(original_of_name(path).rpartition("/")[2]):
        return f"UID_{match['patient'].upper()}"
    return original_of_name(path)


def original_of_name(path: Path) -> str:
    """Return the path, without suffix, of what a photograph was made from by its name, or its own.

    >>> original_of_name(Path("ALL/ALL_1_stain2.bmp")), original_of_name(Path("ALL/ALL_1.bmp"))
    ('ALL/ALL_1', 'ALL/ALL_1')
    >>> original_of_name(Path(f"ALL/slide3_png.rf.{'0123456789abcdef' * 2}.jpg"))
    'ALL/slide3'
    >>> original_of_name(Path("b/b_original_x1.png_0a1b2c3d-0000-4444-8888-0123456789ab.png"))
    'b/x1'
    """
    relative = unicodedata.normalize("NFC", printable(path.with_suffix("").as_posix()))
    relative = _DERIVED_PREFIX.sub("", relative)
    relative = _AUGMENTOR.sub(r"\1", _ROBOFLOW.sub("", relative))
    return _DERIVED.sub("", relative) or relative


def can_be_class(folder: str) -> bool:
    """Whether a folder's name can be a class.

    It is none where it says how data are kept or used, or names a patient or a slide. Names in any
    script can be classes, and so can mere signs such as ``+``.

    >>> [can_be_class(n) for n in ("MM", "7", "C-NMC_test_final_phase_data", "images", "fold_0")]
    [True, True, False, False, False]
    >>> [can_be_class(n) for n in ("patient 1", "Slide_B", "P07", "normal", "L1", "M3")]
    [False, False, False, True, True, True]
    >>> [can_be_class(n) for n in ("patients", "Controls", "slides", "patient s")]
    [True, True, False, False]
    >>> [can_be_class(n) for n in ("PC", "PM", "PB1", "Pt_7", "P A", "P07b")]
    [True, True, True, False, False, False]
    >>> [can_be_class(n) for n in ("正常", "α", "+", "データ images")]
    [True, True, True, True]
    """
    folder = one_form(folder)
    if folder.isdecimal() or person_and_class(folder):
        return True
    return not (
        _UNITS.match(folder)
        or is_person(folder)
        or _ALL_IDB_FOLDER.match(folder)
        or describes_storage(folder)
    )


def describes_storage(folder: str) -> bool:
    """Whether a name says how data are kept or used: a part of a set, a format, a magnification.

    >>> [describes_storage(n) for n in ("train", "fold_0", "40X", "PNG images", "day 2", "blast")]
    [True, True, True, True, False, False]
    >>> [describes_storage(n) for n in ("unsorted", "to_classify", "New folder (2)", "new cells")]
    [True, True, True, False]
    """
    words = re.findall(r"[^\W_]+", folder.casefold())
    kept_in = bool(words) and all(_KEPT_IN.match(word) for word in words)
    return kept_in or _is_part(folder)


def _is_part(folder: str) -> bool:
    """Whether a name has a word for a part of a set, as in ``TestA`` and ``valset``."""
    return not _PARTS.isdisjoint(_words_of_parts(folder))


def is_learnt_from(folder: str) -> bool:
    """Whether a name is that of the part of a set which has classes to learn.

    >>> [is_learnt_from(n) for n in ("Train", "training_set", "trainset2", "labelled", "test")]
    [True, True, True, True, False]
    """
    return not _LEARNT_FROM.isdisjoint(_words_of_parts(folder))


def _words_of_parts(folder: str) -> set[str]:
    """Return the words of a name, and each two, small and without ``set`` or ``data``."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", one_form(folder))
    words = re.findall(r"[^\W\d_]+", apart.casefold())
    pairs = [first + second for first, second in itertools.pairwise(words)]
    return {form for w in (*words, *pairs) for form in (w, _PART_ENDING.sub("", w))}


def is_person(folder: str) -> bool:
    """Whether a name is that of one patient, slide, case or the like.

    >>> [is_person(n) for n in ("patient 1", "Slide_B", "case-0123", "subject07", "samples", "P07")]
    [True, True, True, True, False, False]
    """
    return bool(_PERSONS.match(one_form(folder)) or person_and_class(folder))


@lru_cache(maxsize=4096)  # a folder holds many files, which all ask the same
def person_and_class(folder: str) -> tuple[str, str] | None:
    """Return the patient and the class that one name tells, where it has a word for the class.

    >>> [person_and_class(n) for n in ("P01_ALL", "patient1 blast", "normal, case 3", "P01")]
    [('P01', 'ALL'), ('patient1', 'blast'), ('case 3', 'normal'), None]
    """
    match = _PERSON_AND_CLASS.fullmatch(one_form(folder))
    name = match and (match["behind"] or match["before"])
    if not match or not name or not is_class_word(name):
        return None
    return match["first"] or match["last"], name.strip(" _-,;()[]{}")


def serial_letters(folder: str) -> str | None:
    """Return the letters before the number of a name that may be one of a series of patients.

    >>> [serial_letters(n) for n in ("K1", "K_02", "L1", "M5", "lab 1", "blast")]
    ['k', 'k', None, None, None, None]
    """
    match = _SERIAL.fullmatch(one_form(folder))
    return match["letters"].casefold() if match else None


def is_patient_of_name(path: Path) -> bool:
    """Whether a photograph's name tells the patient, as in C-NMC."""
    return bool(_CNMC.match(original_of_name(path).rpartition("/")[2]))


def class_of_folder_name(folder: str) -> str | None:
    """Return the class by a folder's name: the name itself, or ``AML`` of ``AML_train``.

    >>> [class_of_folder_name(n) for n in ("ALL_train", "test-blast", "normal", "train", "ALL")]
    ['ALL', 'blast', 'normal', None, 'ALL']
    >>> [class_of_folder_name(n) for n in ("plasma cells, test images", "ALL MM test", "lab_train")]
    ['plasma cells', None, None]
    """
    if both := person_and_class(folder):
        return printable(both[1])
    if can_be_class(folder):
        return printable(folder)
    folder = one_form(folder)
    words = re.findall(r"[^\W_]+", folder)
    own = [w for w in words if not (_is_part(w) or _KEPT_IN.match(w.casefold()))]
    name = " ".join(own)
    is_one = is_class_word(name) and len(KNOWN_CLASSES.intersection(own)) < 2
    return (
        printable(name) if is_one and not (is_group(name) or _ALL_IDB_FOLDER.match(name)) else None
    )


def is_group(folder: str) -> bool:
    """Whether a name says of many people or samples that they are such, and no more.

    >>> [is_group(n) for n in ("Patients", "samples", "patient 1", "controls")]
    [True, True, False, False]
    """
    return bool(_GROUPS.match(one_form(folder)))


def is_class_word(folder: str) -> bool:
    """Whether a name has a word for a kind of cell or a diagnosis, which no patient's has.

    >>> [is_class_word(n) for n in ("blast", "Normal cells", "acute_leukemia", "L1", "Adams")]
    [True, True, True, True, False]
    """
    return any(map(_CLASS_WORD.fullmatch, re.findall(r"[^\W_]+", one_form(folder).casefold())))


def is_understood(folder: str) -> bool:
    """Whether a name is a word in the script that is known here, and no number or code.

    >>> [is_understood(n) for n in ("blast", "L1", "7", "001", "BM-100", "正常", "患者1", "+")]
    [True, True, False, False, False, False, False, False]
    """
    name = re.sub(r"^\d\d?[\W_]+(?=[a-z])", "", one_form(folder).casefold())  # "01-Monocyte"
    return bool(re.search("[a-z]", name) and not re.search(r"\d\d", name))


def may_show_same_pictures(folder: str) -> bool:
    """Whether a folder may be one of several that show the same pictures, each in its way.

    No part of a set is, no patient, and nothing with a number: these hold pictures of their own.

    >>> names = ("Original", "Segmented", "train", "fold_0", "slide B", "P")
    >>> [may_show_same_pictures(n) for n in names]
    [True, True, False, False, False, True]
    """
    own = _is_part(folder) or _UNITS.match(folder) or re.search(r"\d", folder)
    return is_understood(folder) and not own
