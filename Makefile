# `make test` and `make demo` need Python 3.11 or later with pip, git and make. Everything else goes into a project-local
# virtual environment, which is set up on the first run and again when a pyproject.toml changes.

PYTHON ?= python3
VENV ?= .venv

VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check --quiet
# Named after the version, so that another PYTHON than last time gets an environment of its own.
INSTALLED := $(VENV)/.installed-$(VERSION)

.DELETE_ON_ERROR:
.PHONY: help demo test soak lint docs clean

help:
	@echo 'make demo   check and fix the reference service in fixtures/chimera, run it, show its new series'
	@echo 'make test   run the whole test suite; ARGS="-k word" goes to pytest'
	@echo 'make lint   ruff, the format, mypy, and golden-rules on itself'
	@echo 'make soak   kill workers, producers and databases hundreds of times, and count what is left'
	@echo 'make docs   write the pages and README outputs that are made from the code'
	@echo 'make clean  remove the virtual environment and every cache'
	@echo 'PYTHON=python3.13 chooses the interpreter.'

demo: $(INSTALLED)
	@$(RUN) scripts/demo.py

# A file stays with one worker, so that what its tests share is made once; the slow files come first.
test: $(INSTALLED)
	@$(RUN) -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

soak: $(INSTALLED)
	@$(RUN) tests/runtime/soak.py --store sqlite --kills 250
	@$(RUN) tests/runtime/soak.py --store postgres --kills 250 --restarts 5
	@$(RUN) tests/runtime/soak.py --store sqlite --kills 100 --full-disk

lint: $(INSTALLED)
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@$(RUN) -m golden_rules check

docs: $(INSTALLED)
	@$(RUN) docs/build.py

clean:
	@rm -rf $(VENV) .hypothesis .mypy_cache .pytest_cache .ruff_cache .golden-rules-cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Debian's Python has no ensurepip without the package python3-venv; its pip can install pip into the environment all the same.
# `--group` came with pip 25.1, which few Pythons bring along.
$(INSTALLED): pyproject.toml runtime/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo 'error: `$(PYTHON)` is no Python 3.11 or later: name one, as in `make PYTHON=python3.13 $(MAKECMDGOALS)`' >&2; exit 1; }
	@echo 'Setting up $(VENV) for Python $(VERSION), which can take a minute or two.'
	@test "$$($(RUN) -c 'import pip, sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = '$(VERSION)' \
	    || $(PYTHON) -m venv --clear $(VENV) >/dev/null 2>&1 \
	    || { $(PYTHON) -m venv --clear --without-pip $(VENV) \
	         && $(PYTHON) -m pip --disable-pip-version-check --quiet --python $(RUN) install pip; }
	@$(PIP) install --upgrade 'pip>=25.1'
	@$(PIP) install --editable . --editable runtime --group dev
	@touch $@
