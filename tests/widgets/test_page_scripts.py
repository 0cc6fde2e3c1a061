"""The scripts of the pages: what their parts take from each other is there, once, and is used."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from bgwidgets.widgets.page_scripts import script_of

WIDGETS: Final = Path(__file__).parents[2] / "bgwidgets" / "widgets"
PAGES: Final = sorted(WIDGETS.glob("*.js"))
PARTS: Final = sorted((WIDGETS / "page").glob("*.js"))
IMPORT: Final = re.compile(r'^import \{([^}]*)\} from "(\./[^"]+)";\n', re.MULTILINE)
DECLARED: Final = re.compile(
    r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE
)


def taken_by(path: Path) -> dict[Path, list[str]]:
    """The names that a script imports, by the file that they are in."""
    found: dict[Path, list[str]] = {}
    for names, address in IMPORT.findall(path.read_text()):
        each = [name.strip() for name in names.split(",") if name.strip()]
        found.setdefault((path.parent / address).resolve(), []).extend(each)
    return found


def test_there_are_pages_with_parts():
    assert len(PAGES) >= 7
    assert len(PARTS) >= 20


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_loads_one_script_with_all_its_parts(path: Path):
    script = script_of(str(path.with_suffix(".py")))
    assert not re.search(r"^\s*import\b", script, re.MULTILINE)
    twice = {name: count for name, count in Counter(DECLARED.findall(script)).items() if count > 1}
    assert {} == twice
    assert 1 == script.count("export default")


@pytest.mark.parametrize("path", [*PAGES, *PARTS], ids=lambda path: path.name)
def test_what_is_imported_is_exported_there_and_used_here(path: Path):
    own = IMPORT.sub("", path.read_text())
    for part, names in taken_by(path).items():
        exported = re.findall(
            r"^export (?:async )?(?:function|class|const|let) (\w+)", part.read_text(), re.MULTILINE
        )
        assert set(names) <= set(exported)
        assert [] == [name for name in names if not re.search(rf"\b{name}\b", own)]


def test_every_part_is_of_some_page():
    used: set[Path] = set()
    to_look_at = [*PAGES]
    while to_look_at:
        for part in taken_by(to_look_at.pop()):
            if part not in used:
                used.add(part)
                to_look_at.append(part)
    assert [] == [part for part in PARTS if part not in used and not part.stem.endswith("_types")]
