"""Fixtures: a Chromium for this folder, a fresh page with one widget for each test."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.browser.stage import Stage, loop_row, loops_head, task_row, tasks_head
from tests.chromium import running_chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@contextmanager
def open_stage(browser: Browser) -> Iterator[Stage]:
    """A page without a widget; an error in the page or on its console is an error of the test."""
    page = browser.new_page(viewport={"width": 1000, "height": 700})
    stage = Stage(page)
    yield stage
    page.close()
    assert stage.problems == []


@pytest.fixture
def stage(browser: Browser) -> Iterator[Stage]:
    """An empty stage."""
    with open_stage(browser) as stage:
        yield stage


@pytest.fixture(scope="package")
def helpers(browser: Browser) -> Iterator[Stage]:
    """The table's script for calls of its pure functions, which may share a page."""
    with open_stage(browser) as stage:
        stage.load("task_table")
        yield stage


@pytest.fixture
def script(stage: Stage) -> Stage:
    """The table's script, loaded and not rendered."""
    stage.load("task_table")
    return stage


@pytest.fixture
def loops(script: Stage) -> Stage:
    """The table of loops, showing two of which the first is selected."""
    script.mount("loops")
    script.frame([loop_row(1), loop_row(2)], head=loops_head())
    script.sent()
    return script


@pytest.fixture
def tasks(script: Stage) -> Stage:
    """The table of tasks, showing two of loop 7."""
    script.mount("tasks")
    script.frame([task_row(1), task_row(2)], head=tasks_head())
    script.sent()
    return script


@pytest.fixture
def line(stage: Stage) -> Stage:
    """The status line."""
    stage.load("status_line")
    stage.mount()
    return stage
