# airflow-provider-kucoin. A fresh machine needs Python 3.11 or newer and make; all else is installed into .venv.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SOURCES := airflow_provider_kucoin dags_examples scripts tests $(wildcard benchmarks)

# Without compiled bytecode every start of Airflow takes 6 s instead of 2.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo test test-crashes lint format types layers pytest bench test-withdrawals bench-waits constraints clean

help: ## Show this
	@echo 'airflow-provider-kucoin'
	@echo
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'
	@echo
	@echo '  Another Python:    make test PYTHON=python3.13 VENV=.venv-3.13'

install: $(INSTALLED) ## Make .venv with everything in it; again only when pyproject.toml or constraints.txt changed

demo: $(INSTALLED) ## One day of a ledger through Airflow to S3, on this machine, without any account
	@$(BIN)/python scripts/demo.py

test: lint types layers pytest ## All checks: lint, format, types, layers, tests, coverage of api/

lint: $(INSTALLED) ## Lint, and check the format
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

format: $(INSTALLED) ## Format, and mend what the linter can mend
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

types: $(INSTALLED) ## Check the types
	$(BIN)/mypy

layers: $(INSTALLED) ## Check who imports whom
	$(BIN)/lint-imports

pytest: $(INSTALLED) ## Run the tests; api/ must be covered by its own, every branch of it
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q tests/api
	$(BIN)/coverage report --include='airflow_provider_kucoin/api/*' --fail-under=100 --skip-covered
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --ignore=tests/api --ignore=tests/deployment

test-crashes: $(INSTALLED) .venv-2.11/.installed ## Kill the workers of a real Airflow while they pay, and run the treasury DAGs in it
	$(BIN)/python -m pytest tests/deployment

bench: $(INSTALLED) ## Measure speed and memory with a day of 1,000,000 rows
	$(BIN)/python benchmarks/ledger.py

test-withdrawals: $(INSTALLED) ## Every fault at every request of a withdrawal: never two, and docs/guarantees.md holds the table
	@$(BIN)/python scripts/withdrawals_matrix.py --check

bench-waits: $(INSTALLED) ## Measure 1,000 deferred waits in one event loop; takes some minutes
	@$(BIN)/python benchmarks/waits.py

constraints: ## Renew constraints.txt with the newest version of everything
	$(PYTHON) scripts/constraints.py

clean: ## Remove .venv, and all that was made by the commands above
	rm -rf $(VENV) .venv-2.11 .demo .coverage .coverage.* htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

.venv-2.11/.installed: pyproject.toml constraints-2.11.txt
	@$(PYTHON) scripts/install.py .venv-2.11 apache-airflow apache-airflow-providers-standard \
		--constraints constraints-2.11.txt --extras ''
	@touch $@

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "This needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || true)."; \
		echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; } >&2
	@$(PYTHON) scripts/install.py $(VENV)
	@touch $@
