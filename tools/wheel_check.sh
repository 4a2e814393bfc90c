#!/usr/bin/env bash
# Build the sdist and the wheel, install the wheel into an empty environment away from the checkout,
# and use it there: what users get from the package index must work, not only the checkout.
set -euo pipefail
cd "$(dirname "$0")/.."

VENV=${VENV:-.venv}
UV=$PWD/$VENV/bin/uv
PYTHON=$PWD/$VENV/bin/python
away=$(mktemp -d)
trap 'rm -rf "$away"' EXIT

say() { printf '\n== %s\n' "$*"; }

say "Build the sdist, the wheel from the sdist, and the wheel from the checkout"
rm -rf dist
"$UV" build --quiet --python "$PYTHON" --out-dir dist
"$UV" build --quiet --python "$PYTHON" --wheel --out-dir "$away/direct"
"$PYTHON" - dist/*.whl "$away"/direct/*.whl <<'PYTHON'
import sys
import zipfile

listed = [{i.filename: i.CRC for i in zipfile.ZipFile(w).infolist()} for w in sys.argv[1:]]
if listed[0] != listed[1]:
    sys.exit(f"The wheels differ in {sorted(set(listed[0].items()) ^ set(listed[1].items()))}")
names = set(listed[0])
wanted = {
    "napari_marrow/napari.yaml",
    "napari_marrow/sample_data/ALL/ALL_1.jpg",
    "napari_marrow/sample_data/MM/MM_1_nucleus_mask.png",
    "napari_marrow/report/templates/page.html",
    "napari_marrow/report/templates/card.md",
}
if wanted - names:
    sys.exit(f"The wheel lacks {sorted(wanted - names)}")
print(f"Both wheels hold the same {len(names)} files.")
PYTHON
ls -l dist

say "Install the wheel, without extras, into an empty environment"
"$UV" venv --quiet --python "$PYTHON" "$away/venv"
"$UV" pip install --quiet --python "$away/venv/bin/python" dist/*.whl
if "$UV" pip list --quiet --python "$away/venv/bin/python" | grep -iE '^(pyqt|pyside|torch)'; then
  echo "A Qt binding or PyTorch came along." >&2
  exit 1
fi

cd "$away"
say "napari-marrow info"
venv/bin/napari-marrow info
say "napari-marrow scan, on the packaged sample data"
sample=$(venv/bin/python -c 'from napari_marrow.data.samples import sample_folder as f; print(f())')
[[ $sample == */site-packages/napari_marrow/sample_data ]]
venv/bin/napari-marrow scan "$sample"
say "npe2 finds the manifest, and the report its templates"
venv/bin/npe2 validate napari-marrow
venv/bin/python - <<'PYTHON'
from npe2 import PluginManager

from napari_marrow.report.card import templates

manager = PluginManager()
manager.discover()
manifest = manager.get_manifest("napari-marrow")
print(manifest.display_name, manifest.package_version, "with", len(manifest.contributions.commands), "commands")
print("templates:", *templates().list_templates())
PYTHON
