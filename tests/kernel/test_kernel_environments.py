"""The environments of other ipykernels: complete or not there, and made once."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tests import kernel_environments
from tests.kernel_environments import CannotInstall, python_with


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one; and no version is the running interpreter's own."""
    monkeypatch.setenv("BGW_TEST_CACHE", str(tmp_path))
    monkeypatch.setattr(kernel_environments, "version", lambda _: "0.0")
    return tmp_path


def test_a_failure_tells_what_pip_said(cache: Path, monkeypatch: pytest.MonkeyPatch):
    """It fails the test that needs it, and leaves nothing that a later run would take."""
    monkeypatch.setattr(
        kernel_environments, "_requirements", lambda _: [str(cache / "no-such-file.whl")]
    )
    for _ in range(2):
        with pytest.raises(CannotInstall, match=r"no-such-file\.whl") as failed:
            python_with("7.3")
        assert "ERROR" in str(failed.value)
    assert [] == [path for path in cache.iterdir() if (path / "bin").exists() and _is_used(path)]


def test_what_takes_too_long_is_a_failure_too(monkeypatch: pytest.MonkeyPatch):
    """And it says what was run."""
    monkeypatch.setattr(kernel_environments, "INSTALL_LIMIT", 0.01)
    with pytest.raises(CannotInstall, match=r"-m venv .*not done within 0\.01 s"):
        python_with("7.3")


def test_it_is_made_once_by_many_at_the_same_time(cache: Path, monkeypatch: pytest.MonkeyPatch):
    """The others wait for it; each version has a place of its own, and so has each list."""
    made: list[Path] = []

    def install(folder: Path, _requirements: list[str]) -> None:
        made.append(folder)
        time.sleep(0.05)
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").touch()

    monkeypatch.setattr(kernel_environments, "_install", install)
    found: list[str] = []

    def find(ipykernel: str) -> None:
        found.append(python_with(ipykernel))

    threads = [
        threading.Thread(target=find, args=(name,)) for name in ("7.3", "7.4", "7.3", "6.31", "7.3")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (5, 3, 3) == (len(found), len(set(found)), len(made))
    assert {cache} == {folder.parent for folder in made}
    assert 3 == len(list(cache.glob("*.lock")))

    monkeypatch.setattr(kernel_environments, "_requirements", lambda _: ["something-else"])
    assert python_with("7.3") not in found


def test_only_one_test_run_installs_at_a_time(cache: Path, monkeypatch: pytest.MonkeyPatch):
    """It does not wait for ever for another that hangs."""
    monkeypatch.setattr(kernel_environments, "INSTALL_LIMIT", 0.2)
    lock = cache / "some.lock"
    with (
        kernel_environments._alone(lock),
        pytest.raises(AssertionError, match="somebody else holds"),
        kernel_environments._alone(lock),
    ):
        pass


def _is_used(folder: Path) -> bool:
    return not folder.name.endswith(".new")
