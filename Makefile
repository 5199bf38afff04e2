# Two commands: `make demo` starts everything on this machine, `make test` checks everything.
# Needed before: git, make, Python 3.11 or newer.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
PACKAGES := alerts bench core dashboards gateway_sim ingest models saimi web
CHECKED := $(PACKAGES) tests
# Scripts in Python have no ending: found by their first line.
SCRIPTS := $(shell grep -l '^\#!.*python' scripts/*)
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input
# A folder counts once it holds code.
present = $(wildcard $(1))
ARGS ?=
KILLS ?= 100
SECONDS ?= 600

.PHONY: help demo install test test-parts soak fuzz docs pictures drawings lint format lock clean

help:
	@echo "make demo      install and start everything here; Ctrl-C stops it (ARGS=... go to saimi up)"
	@echo "make test      install what the tests need and run them (ARGS=... go to pytest)"
	@echo "make soak      the fault runs: 100 kills of ingest, database and broker, and 100 of those who"
	@echo "               assess and deliver (KILLS=…)"
	@echo "make fuzz      coverage-guided fuzzing over the decoders (SECONDS=…)"
	@echo "make drawings  the pictures of simulated homes in docs/ (TIHM=folder: also beside recorded ones)"
	@echo "make docs      write the rule catalogue and the hazard list from the rules"
	@echo "make lint      ruff, mypy, import rules"
	@echo "make format    format the code"
	@echo "make lock      pin the newest releases in requirements/"
	@echo "make clean     remove what make and the tools put here, not the data"

demo: $(VENV)/run.stamp
	@exec $(BIN)/saimi up $(ARGS)

install: $(VENV)/run.stamp

# All of them at once as far as the machine goes; with ARGS one after another (or say -n yourself).
test: $(VENV)/dev.stamp test-parts
	$(BIN)/python -m pytest $(or $(ARGS),-n auto)

# The long shows: the same tests as above, with 100 kills over 200,000 messages, and 100 kills between
# readings and phones.
soak: $(VENV)/dev.stamp test-parts
	SAIMI_TEST_KILLS=$(KILLS) $(BIN)/python -m pytest --timeout=3600 \
		tests/acceptance/test_kill.py tests/acceptance/test_deliver_once.py $(ARGS)

# Coverage-guided fuzzing over the decoders; ends in figures.
fuzz: $(VENV)/dev.stamp
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

# docs/rules.md and docs/hazards.md are made from the rules; a test compares.
docs: $(VENV)/run.stamp
	$(BIN)/python -m alerts.rules.docs docs

# The pictures in the readme, taken from the running service.
pictures: $(VENV)/dev.stamp test-parts
	$(BIN)/python scripts/take-pictures
	SAIMI_PICTURES=docs/images $(BIN)/pytest -q tests/acceptance/test_trends.py -k a_year

# The pictures of simulated homes; with TIHM=folder also beside recorded ones.
drawings: $(VENV)/dev.stamp
	$(BIN)/python scripts/draw-simulator $(TIHM)

test-parts:
	@scripts/install-test-parts

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check . $(SCRIPTS)
	$(BIN)/ruff format --check . $(SCRIPTS)
	$(BIN)/mypy $(call present,$(CHECKED))
	$(BIN)/mypy --scripts-are-modules $(SCRIPTS)
	$(BIN)/lint-imports

format: $(VENV)/dev.stamp
	$(BIN)/ruff format . $(SCRIPTS)
	$(BIN)/ruff check --fix . $(SCRIPTS)

# Stamps: a second run installs nothing until a lock file or pyproject.toml changes.
$(VENV)/venv.stamp:
	@python=$$(scripts/find-python) && scripts/make-venv "$$python" $(VENV)
	@touch $@

$(VENV)/run.stamp: $(VENV)/venv.stamp requirements/run.txt pyproject.toml
	@echo "Installing Saimi into $(VENV)"
	@$(PIP_INSTALL) --require-hashes -r requirements/run.txt
	@$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt
	@echo "Installing the tools for tests into $(VENV)"
	@$(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

# Nothing else needs uv, so it gets an environment of its own.
UV := .cache/uv/bin/uv
COMPILE := $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate pyproject.toml --extra embedded --group build

lock: $(UV)
	$(COMPILE) -o requirements/run.txt
	$(COMPILE) --group dev -c requirements/run.txt -o requirements/dev.txt

$(UV):
	@python=$$(scripts/find-python) && scripts/make-venv "$$python" .cache/uv
	@.cache/uv/bin/python -m pip install -qq --disable-pip-version-check uv

clean:
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
