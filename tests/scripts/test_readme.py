"""What the README shows runs as it stands there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests.scripts.conftest import Ran

README = Path(__file__).parents[2] / "README.md"


def python_blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)


def test_the_examples_run_from_top_to_bottom(run_script: Callable[[str], Ran]):
    """In one script, in their order, without a word on stderr."""
    ran = run_script("\n".join(python_blocks()) + "\nprint(report.outcome, *report.steps)\n")

    assert "" == ran.stderr
    assert [
        "running ['counting']",
        "True finished",
        "finished stop_event",
    ] == ran.stdout.splitlines()


def test_every_public_name_is_explained():
    """Each stands in the README."""
    import bgwidgets

    text = README.read_text()
    assert [] == [name for name in bgwidgets.__all__ if f"`{name}" not in text]


def test_the_files_that_it_links_to_are_there():
    """Pictures and notebooks."""
    links = re.findall(r"\]\((?!https?://)([^)#]+)", README.read_text())
    assert links != []
    assert [] == [link for link in links if not (README.parent / link).is_file()]


def test_the_make_targets_that_it_names_are_there():
    """`make help` is not the only one who knows them."""
    makefile = (README.parent / "Makefile").read_text()
    named = set(re.findall(r"`make (\w+)`|^make (\w+)", README.read_text(), re.MULTILINE))
    targets = {one or other for one, other in named}
    assert {"demo", "test"} <= targets
    assert [] == [target for target in targets if f"\n{target}:" not in makefile]
