"""Columns of tables that people have: in other languages, below titles, without a file's name."""

import pytest

from napari_marrow.data.layouts import scan


def classes(folder):
    return {f.path.stem: f.class_name for f in scan(folder).fields}


@pytest.mark.parametrize(
    "header",
    [
        "new_names,labels", "id_code,diagnosis", "fichier;classe", "imagen;clase",
        "nom du fichier;diagnostic", "immagine;classe", "imagem;diagnóstico", "archivo;categoría",
        "Nom_fichier,Diagnosi", "New Name,Label", "Nombre de archivo,Clase",
    ],
)  # fmt: skip
@pytest.mark.parametrize("below", ["", "images/"])
def test_names_of_columns_in_other_languages_and_published_tables_are_read(put, header, below):
    folder = put(*(f"{below}{k}.png" for k in (1, 2, 3)))
    mark = ";" if ";" in header else ","
    rows = [f"{k}.png{mark}{label}" for k, label in ((1, "x"), (2, "y"), (3, "x"))]
    (folder / "t.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    assert classes(folder) == {"1": "x", "2": "y", "3": "x"}


def test_the_original_names_in_a_column_of_patients_tell_the_patients(put):
    """The published table of C-NMC's test pictures has them in Patient_ID."""
    folder = put(*(f"data/{k}.bmp" for k in range(1, 7)))
    rows = [f"UID_{57 + k // 4}_{k}_1_all.bmp,{k}.bmp,{k % 2}" for k in range(1, 7)]
    (folder / "labels.csv").write_text("\n".join(["Patient_ID,new_names,labels", *rows]))
    found = scan(folder)
    assert [f.source for f in found.fields] == ["UID_57"] * 3 + ["UID_58"] * 3
    assert found.counts() == {"0": 3, "1": 3}


@pytest.mark.parametrize(
    ("mark", "header"),
    [(";", "image;class;a, b, c"), ("\t", "class\timage\tof, by"), ("|", "Bild|Klasse|a; b; c")],
)
def test_the_separator_is_the_one_that_separates_the_names_of_columns(put, mark, header):
    folder = put("1.png", "2.png")
    order = slice(None, None, -1 if header.startswith("class") else 1)
    rows = [mark.join([*(f"{k}.png", label)[order], "z"]) for k, label in ((1, "x"), (2, "y"))]
    (folder / "t.csv").write_text("\n".join([header, *rows]))
    assert classes(folder) == {"1": "x", "2": "y"}


@pytest.mark.parametrize("n_lines", [3, 6, 8])
@pytest.mark.parametrize("mark", [";", ","])
def test_titles_of_several_lines_are_passed_over(put, n_lines, mark):
    folder = put("1.png", "2.png")
    title = [f"Line {k}: 12.3.2024{mark}{mark}" for k in range(n_lines)]
    rows = [mark.join(row) for row in (("Bild", "Klasse", "n"), ("1", "x", ""), ("2", "y", ""))]
    (folder / "t.csv").write_text("\r\n".join([*title, mark * 2, *rows]))
    assert classes(folder) == {"1": "x", "2": "y"}


PATIENTS = [
    "patient,diagnosis", "Patient;Diagnose", "Patienten-ID;Befund", "patient_id,class",
    "case,label", "folder,class", "slide,class", "Fall-Nr;Diagnose;Alter",
]  # fmt: skip


@pytest.mark.parametrize("header", PATIENTS)
@pytest.mark.parametrize("fmt", ["P0{}/{}.png", "data/P0{}/{}.png"])
def test_a_table_of_patients_is_named_with_what_it_lacks(put, header, fmt):
    folder = put(*(fmt.format(n, k) for n in (1, 2, 3) for k in (1, 2)))
    mark = ";" if ";" in header else ","
    rows = [
        mark.join([f"P0{n}", "xy"[n % 2], *["63"] * (header.count(mark) - 1)]) for n in (1, 2, 3)
    ]
    (folder / "patients.csv").write_text("\n".join([header, *rows]))
    [said] = [w for w in scan(folder).warnings if "patients.csv" in w]
    assert "image" in said.split("passed over")[1]
    assert header.split(mark)[0].lower() in said


@pytest.mark.parametrize(
    "header",
    ["patient,image,class", "image,Fall,class", "ordner;datei;klasse", "class,file,folder"],
)
@pytest.mark.parametrize("above", ["", "images/"])
def test_of_files_of_one_name_a_column_names_the_folder(put, header, above):
    people = ("P01", "P02", "P03")
    folder = put(*(f"{above}{p}/{k}.png" for p in people for k in (1, 2)))
    mark = ";" if ";" in header else ","
    names = header.split(mark)
    rows = []
    for p in people:
        for k in (1, 2):
            values = {"class": f"{p}{k % 2}", "klasse": f"{p}{k % 2}"}
            values |= dict.fromkeys(("image", "file", "datei"), f"{k}.png")
            rows.append(mark.join(values.get(name, p) for name in names))
    (folder / "t.csv").write_text("\n".join([header, *rows]))
    found = scan(folder)
    for f in found.fields:
        assert f.class_name == f"{f.path.parent.name}{int(f.path.stem) % 2}"
    # a copy of one patient's folder alone
    for p in people[1:]:
        for k in (1, 2):
            (folder / f"{above}{p}/{k}.png").unlink()
    assert {f.path.stem: f.class_name for f in scan(folder).fields} == {"1": "P011", "2": "P010"}
