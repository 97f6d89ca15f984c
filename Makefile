# Each target works on a fresh clone with Python 3.11, git, make and pip alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO ?= .demo

# Tests start many processes: none of them is to compile everything again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all fuzz faults upgrades check bench docs format golden clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("newservice needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable . --group dev
	touch $@

setup: $(STAMP) ## create .venv with newservice and its tools

demo: $(STAMP) ## create a service on the embedded platform, end to end
	$(BIN)/newservice sandbox demo --directory $(DEMO)

test: $(STAMP) ## the tests for every change; takes minutes
	$(BIN)/python -m pytest -n auto --dist worksteal

test-all: $(STAMP) ## these, and those that take long and rarely fail alone
	HYPOTHESIS_PROFILE=all NEWSERVICE_UPGRADE_EVERY=1 $(BIN)/python -m pytest -n auto --dist worksteal -m 'full or not full'

fuzz: $(STAMP) ## thousands of examples of every text that people answer with; takes minutes
	HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest -n auto -m hypothesis

faults: $(STAMP) ## every fault at every request of an onboarding, a kill at every change; takes most of an hour
	$(BIN)/python -m pytest -n $$($(BIN)/python -c 'import os; print(2 * os.cpu_count())') --dist worksteal -q \
		-m faults tests/faults tests/fleet/test_kills.py

upgrades: $(STAMP) ## every update of the campaign, a hundred of them held against copier's own; takes minutes
	NEWSERVICE_UPGRADE_SEEDS=1,3 NEWSERVICE_UPGRADE_EVERY=1 NEWSERVICE_UPGRADE_COPIER=100 \
		$(BIN)/python -m pytest -q -m 'full or not full' tests/upgrade/test_campaign.py

check: $(STAMP) ## lint, format, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) ## how long commands take, as ratios measured in one run
	$(BIN)/python -m tests.bench

docs: $(STAMP) ## regenerate the generated parts of docs/, and build the site into site/
	$(BIN)/python -m docs.builder

format: $(STAMP) ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: $(STAMP) ## render the golden trees again, to be read as a diff
	UPDATE_GOLDEN=1 $(BIN)/python -m pytest -q tests/test_golden.py

clean: ## remove what the other targets made
	rm -rf $(VENV) $(DEMO) site dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
