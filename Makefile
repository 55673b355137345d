# Needs Python 3.11+, make and git; everything else goes into .venv. `make help` lists the targets.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
OTHERS := $(VENV)/others

.DEFAULT_GOAL := help
.PHONY: help demo test fidelity check format docs walkthrough bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMP) ## sync all sources from the local emulator into demo/warehouse.duckdb, model, report
	@mkdir -p demo
	$(BIN)/connector demo --warehouse demo/warehouse.duckdb --home demo/home

test: $(STAMP) ## the whole offline test suite; ARGS="-k name" narrows it
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

fidelity: $(STAMP) $(OTHERS)/.installed ## published clients of the vendors' APIs against the emulator (installs them first)
	PYTHONPATH=$(OTHERS) $(BIN)/pytest tests/fidelity/published_*.py

check: $(STAMP) ## format, lint, types, import contracts, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m connector docs --check

format: $(STAMP) ## format the code and apply the safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(STAMP) ## regenerate the generated pages and SQL
	$(BIN)/python -m connector docs

walkthrough: $(STAMP) ## docs/walkthrough.md and the README's output, written anew
	$(BIN)/python examples/walkthrough.py

bench: $(STAMP) ## the benchmarks
	$(BIN)/python -m benchmarks

clean: ## remove everything that make made
	rm -rf $(VENV) build dist demo *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# In a folder of their own: the clients want older packages than the connector has.
$(OTHERS)/.installed: tests/fidelity/requirements.txt $(STAMP)
	rm -rf $(OTHERS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --target $(OTHERS) -r tests/fidelity/requirements.txt
	@touch $@

# The stamp is written last, so that an installation that was cut short is done again.
$(STAMP): pyproject.toml setup.py constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Say which one: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
