"""The page of networks says what the program builds."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_tables_of_layers_are_those_of_the_program(keras_started):
    """Where this fails, run tools/networks_page.py."""
    tool = runpy.run_path(str(ROOT / "tools" / "networks_page.py"))
    page = (ROOT / "docs" / "networks.md").read_text("utf-8")
    assert "| hidden_64 | Dense, relu | 64 | 73,792 |" in page  # 1152 x 64 + 64
    assert tool["with_tables"](page, tool["tables"]()) == page
