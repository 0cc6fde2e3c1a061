"""The script of a widget's page: its own file and the parts that it imports, as one.

A widget's script has no address, so it could import nothing. Its parts lie in `page/`, are modules
of JavaScript as any others, and are put before it, each once and after those that it imports.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_IMPORT: Final = re.compile(r'^import \{[^}]*\} from "(\./[^"]+)";\n', re.MULTILINE)


def script_of(module: str) -> str:
    """The script beside the module whose `__file__` this is, with all its parts.

    Not its path: of a file anywidget (seen: 0.11) has the text watched, and whoever
    watches it, which is every widget that was ever made, is kept alive by that.
    """
    return "\n".join(_parts(Path(module).with_suffix(".js"), set()))


def _parts(path: Path, known: set[Path]) -> list[str]:
    """This file without its imports, after the files that those name and that are not `known`."""
    known.add(path)
    text = path.read_text(encoding="utf-8")
    before: list[str] = []
    for address in _IMPORT.findall(text):
        if (imported := (path.parent / address).resolve()) not in known:
            before += _parts(imported, known)
    return [*before, _IMPORT.sub("", text)]
