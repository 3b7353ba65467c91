# `make` alone lists the targets. `demo` and `test` set everything up by themselves.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
export CPG1_HOME ?= $(CURDIR)/var
# Where bytecode may not be written, each of the hundreds of processes that tests start makes it anew.
export PYTHONDONTWRITEBYTECODE :=
MONTH  ?= 2025-09
BENCHMARKS := rules close baseline inbox items memory odbc report books verify workbook calendar

.DEFAULT_GOAL := help
.PHONY: help demo test soak ui bench docs pictures lint format install clean $(BENCHMARKS)

help:  ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | sort | awk -F'\t' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: $(VENV)/.product  ## Install, make the sample books, close a month (MONTH=2025-09), show the result
	@test -f "$(CPG1_HOME)/sample_books/books.json" || CPG1_SOURCE=sample $(BIN)/cpg1 sample
	@CPG1_SOURCE=sample $(BIN)/cpg1 close --month $(MONTH); status=$$?; \
	case $$status in 0|3|4) ;; *) exit $$status ;; esac

test: lint  ## Install, check format, lint, rooms and types, run all tests
	$(BIN)/pytest -n auto --dist worksteal $(PYTEST_ARGS)

soak: lint  ## Run all tests, with many more examples, and those that only repeat others (hours)
	CPG1_TESTS_SOAK=1 $(BIN)/pytest -n auto --dist worksteal -m "soak or not soak" $(PYTEST_ARGS)

ui: $(VENV)/.product  ## Open the Dagster UI with its daemon (PORT=3000)
	$(BIN)/cpg1 ui -p $(or $(PORT),3000)

bench: $(VENV)/.bench  ## Measure speed and memory as ratios in one run (all, or some: make bench inbox)
	$(BIN)/python -m benchmarks $(filter $(BENCHMARKS),$(MAKECMDGOALS))

$(BENCHMARKS):
	@test -n "$(filter bench,$(MAKECMDGOALS))" || { echo "Measure it with: make bench $@"; exit 2; }

docs: $(VENV)/.docs  ## Make the tables of docs/ from the code, and the site: open site/index.html
	$(BIN)/python -m reference
	$(BIN)/zensical build --strict --clean

pictures: $(VENV)/.test  ## Make the pictures of docs/ from the real UI, report and workbook (needs Chromium)
	$(BIN)/python -m cpg1_assets_tests.browser.pictures

lint: $(VENV)/.test  ## Check format, lint, rooms (who may import whom) and types only
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

format: $(VENV)/.test  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

install: $(VENV)/.product  ## Install the product into .venv

clean:  ## Remove .venv and caches; var/ (the closed months) stays
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache build site *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=python3.x" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.product: pyproject.toml setup.py | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.test: pyproject.toml setup.py | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/.product

$(VENV)/.docs: $(VENV)/.product
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@
