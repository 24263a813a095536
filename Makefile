# Each target makes or updates `.venv` by itself: nothing has to be installed before.
# uv is used if it is there, pip otherwise. Another Python: make PYTHON=/path/to/python3.12 test

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
UV := $(shell command -v uv)
BIN := .venv/bin

SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help demo test coverage lint format type bench docs notebooks clean FORCE

help: ## Show what there is to make
	@sed -En 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 16

demo: .venv/runtime ## See the patterns at work; needs no key
	@$(BIN)/orchestra demo

test: lint type ## Check everything: lint, types, tests
	@$(BIN)/python -m pytest -q -n auto --maxprocesses=4 --dist loadfile

coverage: .venv/dev ## Show which lines the tests do not reach
	@$(BIN)/python -m pytest -q -n auto --maxprocesses=4 --dist loadfile --cov --cov-report=term:skip-covered

lint: .venv/dev ## Check style and formatting
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

format: .venv/dev ## Put the code into shape
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

type: .venv/dev ## Check types
	@set -o pipefail; MYPYPATH=$(LINKS) $(BIN)/mypy | sed 's|^build/[^/]*/langgraph_orchestra/||'

bench: .venv/runtime ## Measure, side by side with hand-written graphs
	@$(BIN)/python benchmarks/run.py $(ONLY)

docs: .venv/dev ## Build the documentation into build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet && echo "build/site/index.html"

notebooks: .venv/dev ## Run the notebooks, and keep what they give
	@PYTHONPATH=tests $(BIN)/python -m support.notebooks

clean: ## Remove everything that make has made
	@rm -rf .venv build dist *.egg-info .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The installation links the files of the packages one by one (so that type checkers see the
# namespace), and is therefore made anew when a file comes or goes, but not when one changes.

PACKAGE_FILES = $(sort $(shell find state models nodes graphs checkpoints reports cli -type f ! -name '*.pyc'))
LINKS = $(wildcard build/__editable__*)
INSTALL_INPUTS = pyproject.toml constraints.txt .venv/files $(if $(LINKS),,FORCE)

ifdef UV
MAKE_VENV = uv venv --quiet --python $(PYTHON) .venv
INSTALL = uv pip install --python $(BIN)/python --reinstall-package langgraph-orchestra
else
MAKE_VENV = $(PYTHON) -m venv .venv
INSTALL = $(BIN)/python -m pip install --disable-pip-version-check
endif

# What the installer says is shown only if it fails.
define install
	@echo "Installing the package with $(1)"
	@rm -rf build/__editable__*
	@{ $(INSTALL) -c constraints.txt 'pip>=25.1' 'setuptools>=77' && \
	   $(INSTALL) -c constraints.txt --no-build-isolation --config-settings editable_mode=strict \
	     --editable . $(2); } >.venv/install.log 2>&1 || { cat .venv/install.log >&2; exit 1; }
endef

.venv/runtime: $(INSTALL_INPUTS)
	$(call install,what it needs to run,)
	@touch $@

.venv/dev: $(INSTALL_INPUTS)
	$(call install,what its tests and checks need,--group dev)
	@touch .venv/runtime $@

.venv/files: $(BIN)/python FORCE
	@echo $(PACKAGE_FILES) | cmp -s - $@ || echo $(PACKAGE_FILES) > $@

$(BIN)/python:
	@echo "Making .venv"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=/path/to/it" if sys.version_info < (3, 11) else 0)'
	@$(MAKE_VENV)
