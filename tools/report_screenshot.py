"""Make the pictures of the page on reports again: ``python tools/report_screenshot.py``.

Compares the classical models on the cells of the sample data, and takes pictures of the report with
Chromium, which must be installed: its beginning, and its curves and mistakes.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

from napari_marrow.data.layouts import scan
from napari_marrow.jobs.compare import run_comparison
from napari_marrow.jobs.compare_job import CompareJob
from napari_marrow.learning.settings import CompareSettings

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "images"
WIDTH_PX = 1120
BEGINNING_PX, CURVES_PX = 1000, 1240


def browser() -> str:
    """Return the path of Chromium or Chrome."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise SystemExit("Install Chromium: it draws the report.")
    return found


def take(page: Path, height: int, picture: Path) -> None:
    """Write the beginning of a page as a PNG of 256 colours, which is small."""
    with tempfile.TemporaryDirectory() as home:
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        options += [f"--user-data-dir={home}", f"--window-size={WIDTH_PX},{height}"]
        command = [browser(), *options, f"--screenshot={picture}", page.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    with Image.open(picture) as image:
        small = image.convert("RGB").quantize(method=Image.Quantize.MAXCOVERAGE)  # keeps thin lines
    small.save(picture, optimize=True)


def main() -> None:
    """Compare, and take the pictures."""
    settings = CompareSettings(unit="cell", protocol="both")
    with tempfile.TemporaryDirectory() as name:
        job = CompareJob(scan(ROOT / "sample_data"), Path(name) / "comparison", settings)
        run_comparison(job)
        report = job.out / "report.html"
        take(report, BEGINNING_PX, OUT / "report.png")
        text = report.read_text(encoding="utf-8")
        rest = re.sub(r"<main>.*?(?=<h2 id=\"curves\">)", "<main>", text, flags=re.DOTALL)
        part = report.with_name("curves.html")
        part.write_text(rest, encoding="utf-8")
        take(part, CURVES_PX, OUT / "report_curves.png")


if __name__ == "__main__":
    main()
