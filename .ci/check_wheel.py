"""Checks the one wheel in a folder.

It holds the whole package and nothing else, and imports with the standard library alone.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "bgwidgets"
# Each kind is something that a wrong build setting would lose in silence.
EXPECTED_KINDS = {".py", ".js", ".css"}


def package_files() -> set[str]:
    """Every file of the package as it stands in the source tree."""
    return {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def problems_with(wheel: Path) -> list[str]:
    """What is wrong with the wheel, in words; empty when nothing is."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    held = {name for name in names if ".dist-info/" not in name}
    problems = [f"missing: {name}" for name in sorted(package_files() - held)]
    problems += [f"does not belong there: {name}" for name in sorted(held - package_files())]
    problems += [
        f"no {kind} file at all"
        for kind in sorted(EXPECTED_KINDS - {Path(name).suffix for name in held})
    ]
    if "bgwidgets/py.typed" not in held:
        problems.append("missing: bgwidgets/py.typed (type checkers would ignore our types)")
    if not any(name.endswith("/licenses/LICENSE") for name in names):
        problems.append("missing: LICENSE")
    if not wheel.name.endswith("-py3-none-any.whl"):
        problems.append(f"not a pure Python wheel: {wheel.name}")
    return problems


def import_alone(wheel: Path) -> str:
    """Import the unpacked wheel without any site-packages; the error's text, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        result = subprocess.run(
            [
                sys.executable,
                "-I",
                "-S",
                "-c",
                f"import sys; sys.path.insert(0, {folder!r}); import bgwidgets",
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    return result.stderr if result.returncode else ""


def main(folder: str) -> int:
    """Print what is wrong and return the exit code."""
    wheels = list(Path(folder).glob("*.whl"))
    if len(wheels) != 1:
        print(
            f"expected one wheel in {folder}, found {[wheel.name for wheel in wheels]}",
            file=sys.stderr,
        )
        return 1
    problems = problems_with(wheels[0])
    if error := import_alone(wheels[0]):
        problems.append(f"cannot be imported with the standard library alone:\n{error}")
    for problem in problems:
        print(f"{wheels[0].name}: {problem}", file=sys.stderr)
    if not problems:
        print(f"{wheels[0].name}: complete, and imports with the standard library alone")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
