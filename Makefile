# `make demo` and `make test` work from a fresh clone; `make help` lists the rest.
# Everything is installed into ./.venv; only Debian packages that are missing
# (python3-venv, chromium, libraries of Qt, CPython's tests) go elsewhere, and only where this user may install them.

# A python3.11 that is found may still refuse to run (a version manager's shim), so it is tried.
PYTHON ?= $(shell python3.11 -c '' >/dev/null 2>&1 && echo python3.11 || echo python3)
# More arguments for JupyterLab, for example DEMO_ARGS='--no-browser --port=8899'
DEMO_ARGS ?=
# More arguments for pytest, for example PYTEST_ARGS='-k restart'
PYTEST_ARGS ?=
# Which benchmarks, and how many rounds, for example BENCH_ARGS='tasks memory --rounds 5'
BENCH_ARGS ?=
# How long `make soak` goes on
SOAK_SECONDS ?= 600
# The Pythons of `make bench-all`: commands, paths, or versions that pyenv has installed
PYTHONS ?= 3.11 3.12 3.13
# The Pythons of `make test-cpython`: that of .venv, and one of each version that is found.
OTHER_PYTHONS ?= $(shell .ci/find_pythons.sh --with-tests 3.11 3.12 3.13)

VENV := .venv
BIN := $(VENV)/bin
# Twice quiet: warnings about the machine's own pip settings say nothing about this project.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check
# JupyterLab refuses to run as root unless told.
ALLOW_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
# The checks share .venv and two cores: one after the other, whatever -j says.
.NOTPARALLEL:
.PHONY: help demo test test-long lint types layers wheel unit test-cpython bench bench-all soak screenshots picture chromium qt cpython-tests clean

help:
	@echo 'make demo    JupyterLab opens the first example notebook'
	@echo 'make test    all checks and all tests, in a real JupyterLab too'
	@echo 'make test-long   clicks in more frontends, with more kernels and settings, and their speed'
	@echo 'make unit    the fast tests only (no browser, no notebooks)'
	@echo 'make test-cpython   all of CPython'\''s own asyncio tests with the ledger on, for 3.11 to 3.13'
	@echo 'make lint    ruff: rules and format'
	@echo 'make types   mypy --strict'
	@echo 'make layers  import-linter: who may import whom'
	@echo 'make wheel   builds dist/*.whl and checks what it holds'
	@echo 'make bench   the benchmarks, beside aiomonitor, uvloop and others'
	@echo 'make bench-all   the same on each of PYTHONS, in .venv-3.12 and the like'
	@echo 'make soak    ten loops, panels and commands at random for SOAK_SECONDS: does anything grow?'
	@echo 'make screenshots   pictures of the panel, into screenshots/'
	@echo 'make picture   the README'\''s picture, anew'
	@echo 'make clean   removes .venv, .venv-*, dist and caches'
	@echo 'Variables: PYTHON=$(PYTHON)  DEMO_ARGS  PYTEST_ARGS  BENCH_ARGS  SOAK_SECONDS  PYTHONS  OTHER_PYTHONS'
	@echo '           BGW_CHROMIUM  BGW_CPYTHON'

demo: $(VENV)/demo-installed
	@# As the default URL and not as a file: so the address that --no-browser prints leads to it too.
	$(BIN)/jupyter lab $(ALLOW_ROOT) --LabApp.default_url=/lab/tree/notebooks/01_first_loop.ipynb $(DEMO_ARGS)

test: lint types layers wheel chromium qt cpython-tests
	.ci/tests.sh $(BIN)/python $(PYTEST_ARGS)

lint: $(VENV)/test-installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/test-installed
	$(BIN)/mypy

layers: $(VENV)/test-installed
	$(BIN)/lint-imports

wheel: $(VENV)/test-installed
	rm -rf dist
	$(BIN)/python -m pip --quiet --quiet --disable-pip-version-check wheel --no-deps --wheel-dir dist .
	$(BIN)/python .ci/check_wheel.py dist

test-long: chromium
	$(BIN)/python -m pytest -m long $(PYTEST_ARGS)

unit: $(VENV)/test-installed
	$(BIN)/python -m pytest --ignore=tests/lab --ignore=tests/notebooks --ignore=tests/cpython $(PYTEST_ARGS)

test-cpython: cpython-tests
	$(BIN)/python -m tests.cpython $(or $(BGW_CPYTHON),$(BIN)/python) $(OTHER_PYTHONS)

bench: $(VENV)/bench-installed
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

# One after the other, each Python in an environment of its own. All are found before the first is measured.
bench-all:
	@pythons=$$(.ci/find_pythons.sh $(PYTHONS)) && for python in $$pythons; do \
		version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') && \
		$(MAKE) --no-print-directory bench PYTHON="$$python" VENV=".venv-$$version" || exit 1; \
	done

soak: $(VENV)/test-installed
	$(BIN)/python -m benchmarks.soak --seconds $(SOAK_SECONDS)

screenshots: chromium
	$(BIN)/python -m tests.lab.screenshots screenshots

# The one in the README. "light" has a page around it, too, which is not kept.
picture: chromium
	$(BIN)/python -m tests.lab.screenshots $(VENV)/picture light
	cp $(VENV)/picture/light.png notebooks/panel.png

chromium: $(VENV)/test-installed
	@.ci/chromium.sh $(BIN)/python

qt: $(VENV)/test-installed
	@.ci/qt.sh $(BIN)/python

cpython-tests: $(VENV)/test-installed
	@.ci/cpython_tests.sh $(BIN)/python

clean:
	rm -rf $(VENV) .venv-* dist screenshots .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find bgwidgets tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(BIN)/python:
	.ci/venv.sh $(PYTHON) $(VENV)

# The stamp files make a second run start at once; a changed pyproject.toml makes them stale.
$(VENV)/demo-installed: pyproject.toml | $(BIN)/python
	@echo 'Installing bgwidgets and JupyterLab into $(VENV) (once)'
	@$(PIP_INSTALL) --editable '.[demo]'
	@# A first look should not begin with a question about Jupyter news.
	@$(BIN)/jupyter labextension disable --level=sys_prefix @jupyterlab/apputils-extension:announcements >/dev/null 2>&1
	@touch $@

$(VENV)/test-installed: pyproject.toml | $(BIN)/python
	@echo 'Installing bgwidgets and its test tools into $(VENV) (once)'
	@$(PIP_INSTALL) --editable '.[test]'
	@touch $@

$(VENV)/bench-installed: $(VENV)/test-installed
	@echo 'Installing what the benchmarks compare with into $(VENV) (once)'
	@$(PIP_INSTALL) --editable '.[bench]'
	@touch $@
