"""What axe-core finds in a page that somebody could not read, hear or reach."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from playwright.sync_api import Page

THEMES: Final = Path(sys.prefix) / "share/jupyter/lab/themes/@jupyterlab"
BEST_PRACTICES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NOT_OURS: Final = {
    # The page around the panel is the notebook's: whether it has landmarks, and one h1.
    "region": {"enabled": False},
    "page-has-heading-one": {"enabled": False},
}
"""The rules that are off where the panel is a part of another's page."""


def theme_variables(theme: str) -> str:
    """A style sheet with the variables of one of JupyterLab's own themes, "light" or "dark"."""
    css = (THEMES / f"theme-{theme}-extension" / "index.css").read_text()
    variables = "".join(re.findall(r"--[\w-]+\s*:\s*[^;{}]+;", css))
    return f":root {{ {variables} }} body {{ background: var(--jp-layout-color0); }}"


def expect_no_violations(page: Page, scope: str | None = ".bgw-panel") -> None:
    """Expect that axe-core finds nothing wrong; `scope` None is all of the page, with all rules.

    A contrast that axe-core cannot tell counts as wrong too, or nobody would look at it; and so
    does an id that two elements have.
    """
    options = {
        "runOnly": {"type": "tag", "values": BEST_PRACTICES},
        "rules": NOT_OURS if scope else {"page-has-heading-one": {"enabled": False}},
    }
    results = Axe().run(page, scope, options)
    assert results.violations_count == 0, results.generate_report()
    twice = [rule for rule in results.response["incomplete"] if rule["id"] == "duplicate-id-aria"]
    assert twice == [], twice
    unclear = [rule for rule in results.response["incomplete"] if rule["id"] == "color-contrast"]
    told = [
        f"{check['message']}: {node['html']}"
        for rule in unclear
        for node in rule["nodes"]
        for check in node["any"]
        if check["data"].get("messageKey") != "nonBmp"  # arrows only, in the list of keys
    ]
    assert told == [], "\n".join(told)
