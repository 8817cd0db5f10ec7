# make demo: sets up and runs the main job.  make test: sets up and passes the tests.
PYTHON ?= python3
VENV   ?= .venv
LOWEST ?= .venv-lowest
BIN    := $(VENV)/bin
DEMO   ?= demo
JOBS   ?= 4
UNIT_JOBS ?= 2
# Another seed gives property tests other examples; without one they are the same in every run.
SEED   ?=
SEEDED := $(if $(SEED),--hypothesis-seed=$(SEED))

# The tests start some thousand Python processes: none should compile headrace for itself.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-unit test-lowest test-slow bench check format configuration-page pictures clean system-packages

help:
	@echo "make demo       set up, then carry two events' waveforms to a job and back (about a minute)"
	@echo "make test       set up, then run the tests"
	@echo "make test-unit  set up, then run the tests that start no process and open no connection"
	@echo "make test-lowest  those and the stages of science, with the lowest versions that pyproject.toml declares"
	@echo "make test-slow  the long tests too"
	@echo "make pictures   the pictures of pages in docs/pictures, by a browser test"
	@echo "make bench      every figure beside its peers, on this machine (an hour)"
	@echo "make check      ruff and mypy"
	@echo "make clean      remove what these made"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else "headrace needs Python 3.11, 3.12 or 3.13; this is %d.%d. Say which: make PYTHON=python3.12" % v)'
	$(PYTHON) -m venv $(VENV)

# Versions that passed the tests together; PINS= leaves the choice to pip.
PINS   ?= --constraint constraints.txt
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) $(PINS) --editable '.[endpoint,seismic,mpi]'
	@touch $@

# Dependency groups need a newer pip than comes with Python 3.11.
$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) 'pip>=25.1'
	$(PIP) $(PINS) --editable '.[all,ert]' --group dev
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo
	@$(BIN)/headrace demo adjoint-sources $(DEMO)

test: $(VENV)/.test system-packages
	$(BIN)/python -m pytest -m "not slow" -n $(JOBS) --dist loadfile $(SEEDED)

test-unit: $(VENV)/.test
	$(BIN)/python -m pytest -m "unit and not slow" -n $(UNIT_JOBS) --dist loadfile $(SEEDED)

# An environment of its own, with the lowest version of each library that pyproject.toml names.
$(LOWEST)/.done: pyproject.toml | $(BIN)/python
	$(PIP) uv
	$(BIN)/uv venv --quiet --clear --seed --python $(BIN)/python $(LOWEST)
	$(BIN)/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct \
	  --editable '.[all]' --group dev
	@touch $@

test-lowest: $(LOWEST)/.done
	$(LOWEST)/bin/python -m pytest -m "(unit or stages) and not slow" -n $(UNIT_JOBS) --dist loadfile $(SEEDED)

test-slow: $(VENV)/.test system-packages
	$(BIN)/python -m pytest $(SEEDED)

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Every figure beside its peers: about an hour, on a machine that does nothing else.
bench: $(VENV)/.test
	$(BIN)/python benchmarks/table.py run
	$(BIN)/python benchmarks/table.py write
	$(BIN)/python benchmarks/table.py show

# The tables of keys in the documentation, from the declarations.
configuration-page: $(VENV)/.test
	$(BIN)/python -m headrace._internal.settings.page docs/configuration.md

# Pictures of pages for the documentation, of a project that a browser test makes.
pictures: $(VENV)/.test system-packages
	HEADRACE_PICTURES=$(CURDIR)/docs/pictures $(BIN)/python -m pytest -q -rs tests/browser/test_page_pictures.py

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The real servers that some tests start. Where they may not be installed, those tests say so.
system-packages:
	@sh tests/system-packages

clean:
	-@test ! -x $(BIN)/headrace || $(BIN)/headrace --project $(DEMO) facility down 2>/dev/null
	rm -rf $(VENV) $(LOWEST) $(DEMO) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
