"""Which column of a table tells the source of a photograph, and what empty cells of it mean."""

import pytest

from napari_marrow.data.fields import Collection, with_groups
from napari_marrow.data.layouts import scan

N = 12


def sources(folder, header, row, separator=","):
    """Return the sources that a table of the photographs 0 to 11 gives, and the warnings."""
    rows = [separator.join(map(str, row(k))) for k in range(N)]
    (folder / "t.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    found = scan(folder)
    assert sorted({f.class_name for f in found.fields}) == ["A", "B"]
    by_name = {int(f.path.stem): f.source for f in found.fields}
    return [by_name[k] for k in range(N)], found.warnings


@pytest.fixture
def folder(put):
    return put(*(f"{k}.png" for k in range(N)))


@pytest.mark.parametrize(
    "name",
    [
        "Patienten-ID", "Patientennummer", "Patientennr.", "Patientin", "Fallnummer", "Präparat",
        "Praeparat-Nr.", "MRN", "participant_id", "study_id", "accession", "Accession No",
        "individual", "Probandennummer", "Spender", "ID_paciente", "paziente", "record_id",
        "patient identifier", "Biopsie-Nr",
    ],
)  # fmt: skip
def test_patients_are_sources_whatever_their_column_is_called(folder, name):
    got, _ = sources(folder, f"image,class,{name}", lambda k: (f"{k}.png", "AB"[k % 2], k // 3))
    assert got == [str(k // 3) for k in range(N)]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("image,slide,patient,class", lambda k: (k, f"S{k // 2}", f"P{k // 6}", "AB"[k % 2])),
        ("image,sample_id,patient_id,class", lambda k: (k, 100 + k, f"P{k // 6}", "AB"[k % 2])),
        ("image,case_id,patient,class", lambda k: (k, f"C{k // 2}", f"P{k // 6}", "AB"[k % 2])),
        ("image,patient,sample,class", lambda k: (k, f"X{k}", f"P{k // 6}", "AB"[k % 2])),
        ("image,patient,slide,class", lambda k: (k, "same", f"P{k // 6}", "AB"[k % 2])),
        ("Bild,Gruppe,Group,Fall,Klasse", lambda k: (k, 1, k // 2, f"P{k // 6}", "AB"[k % 2])),
    ],
)
def test_of_several_columns_the_one_that_groups_patients_counts(folder, header, row):
    expected = [f"P{k // 6}" for k in range(N)]
    assert sources(folder, header, row)[0] == expected
    groups = (folder / "t.csv").rename(folder / "groups.dat")  # no name of a table of classes
    found = sorted(scan(folder).fields, key=lambda f: int(f.path.stem))
    grouped = with_groups(Collection(folder, tuple(found)), groups)
    assert [f.source for f in grouped.fields] == expected


def test_rows_of_photographs_that_are_not_here_are_kept_with_their_sources(folder):
    rows = [*((k, f"P{k}") for k in range(N)), ("old/77.png", "P3"), ("78", "unknown")]
    (folder / "g.dat").write_text("image,source\n" + "".join(f"{a},{b}\n" for a, b in rows))
    grouped = with_groups(Collection(folder, scan(folder).fields), folder / "g.dat")
    assert grouped.elsewhere == (("old/77.png", "P3"),)
    assert Collection.from_dict(grouped.to_dict()) == grouped


def test_the_column_source_comes_before_a_patients(folder):
    row = lambda k: (k, "AB"[k % 2], k // 2, k // 6)  # noqa: E731
    assert sources(folder, "image,class,source,patient", row)[0] == [str(k // 2) for k in range(N)]


@pytest.mark.parametrize(
    ("header", "separator"),
    [("patient,image,class", ","), ("Fall;Bild;Klasse", ";"), ("source\timage\tclass", "\t")],
)
@pytest.mark.parametrize("size", [2, 3])
def test_a_patient_in_the_first_of_merged_cells_counts_for_those_below(
    folder, header, separator, size
):
    row = lambda k: (f"P{k // size}" if k % size == 0 else "", f"{k}.png", "AB"[k % 2])  # noqa: E731
    got, warnings = sources(folder, header, row, separator)
    assert got == [f"P{k // size}" for k in range(N)]
    [said] = [w for w in warnings if "merged" in w]
    assert "t.csv" in said
    assert f"{N - N // size} rows" in said
    groups = (folder / "t.csv").rename(folder / "groups.dat")
    found = with_groups(scan(folder), groups)
    assert any("merged" in w for w in found.warnings)
    assert {f.source for f in found.fields} == set(got)


@pytest.mark.parametrize(
    "texts",
    [["P1", "P1", "", "P2", "P2", ""], ["", "P1", "", "P2", "", ""], ["P1", "NA", "P2", "NA"]],
)
def test_other_photographs_without_a_source_are_counted(folder, texts):
    texts = [*texts, *["P3"] * (N - len(texts))]
    got, warnings = sources(
        folder, "image,class,patient", lambda k: (f"{k}.png", "AB"[k % 2], texts[k])
    )
    without = [k for k in range(N) if not texts[k].startswith("P")]
    assert [got[k] for k in without] == [str(k) for k in without]
    [said] = [w for w in warnings if "no source" in w]
    assert f"{len(without)} photographs" in said
    assert "t.csv" in said
