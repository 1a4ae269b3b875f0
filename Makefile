# Assay. `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= auto

.DEFAULT_GOAL := help
.PHONY: help run test test-slow check format bench lock sample clean

help: ## print this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Assay needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 run")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $(READY)

run: $(READY) ## start Assay and print its address (http://127.0.0.1:8501)
	$(BIN)/python -m streamlit run app.py

test: $(READY) ## run the tests, the browser tests included
	@$(BIN)/python -m tests.browser.browser > /dev/null
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

test-slow: $(READY) ## run the long simulations, fuzz and kill runs
	$(BIN)/python -m pytest -m slow -n $(WORKERS) --dist loadfile

check: $(READY) ## lint, format, types and the laws of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_house.py

format: $(READY) ## put the code in its house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## run the benchmarks (about ten minutes; ROWS=10000000)
	$(BIN)/python -m tests.benchmarks

sample: $(READY) ## make the sample data again from its seed
	$(BIN)/python -m sample_data.generate

lock: $(READY) ## renew requirements.lock from requirements.txt and pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade requirements.txt --group dev -o requirements.lock

clean: ## remove the virtual environment and caches (never the workspace)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .bench
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
