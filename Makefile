# airflow-provider-kucoin. A fresh machine needs Python 3.11 or newer and make; all else is installed into .venv.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEPLOYABLE := $(VENV)/.installed-deployment
SOURCES := airflow_provider_kucoin dags_examples docs/conf.py scripts tests $(wildcard benchmarks)

# Without compiled bytecode every start of Airflow takes 6 s instead of 2.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo airflow test test-crashes test-deployment screenshots lint format types layers docs dist test-wheel pytest bench test-withdrawals bench-waits test-matrix fuzz audit constraints clean

help: ## Show this
	@echo 'airflow-provider-kucoin'
	@echo
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'
	@echo
	@echo '  Another Python:    make test PYTHON=python3.13 VENV=.venv-3.13'

install: $(INSTALLED) ## Make .venv with everything in it; again only when pyproject.toml or constraints.txt changed

demo: $(INSTALLED) ## One day of a ledger through Airflow to S3, on this machine, without any account
	@$(BIN)/python scripts/demo.py

airflow: $(INSTALLED) ## A whole Airflow to look at: sandbox, S3, connections and all example DAGs; until Ctrl-C
	@$(BIN)/python scripts/airflow_here.py

test: lint types layers docs pytest ## All checks: lint, format, types, layers, documentation, tests, coverage of api/

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

docs: $(INSTALLED) ## Build the documentation into build/docs; every warning is an error
	$(BIN)/sphinx-build -W --keep-going -q -E -b html docs build/docs

pytest: $(INSTALLED) ## Run the tests; api/ must be covered by its own, every branch of it
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q tests/api
	$(BIN)/coverage report --include='airflow_provider_kucoin/api/*' --fail-under=100 --skip-covered
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --ignore=tests/api --ignore=tests/deployment

test-crashes: $(INSTALLED) .venv-2.11/.installed ## Kill the workers of a real Airflow while they pay, and run the treasury DAGs in it
	$(BIN)/python -m pytest tests/deployment/test_crashes.py tests/deployment/test_examples.py

test-deployment: $(DEPLOYABLE) ## A month of ledger on PostgreSQL, LocalExecutor and Celery; the interface in a browser
	$(BIN)/python -m pytest tests/deployment/test_executors.py tests/deployment/test_interface.py

screenshots: $(DEPLOYABLE) ## Look at the interface with a browser, and renew docs/images
	KUCOIN_SCREENSHOTS=docs/images $(BIN)/python -m pytest tests/deployment/test_interface.py

bench: $(INSTALLED) .venv-bench/.installed ## Speed and memory beside other clients for KuCoin; takes half an hour
	@$(BIN)/python benchmarks/peers.py

test-withdrawals: $(INSTALLED) ## Every fault at every request of a withdrawal: never two, and docs/guarantees.md holds the table
	@$(BIN)/python scripts/withdrawals_matrix.py --check

bench-waits: $(INSTALLED) ## Measure 1,000 deferred waits in one event loop; takes some minutes
	@$(BIN)/python benchmarks/waits.py

dist: .venv-release/.installed ## Build wheel and sdist into dist/, and check them
	@.venv-release/bin/python scripts/build_dist.py

test-wheel: $(INSTALLED) .venv-checks/.installed dist ## Install the wheel of dist/ beside the newest and the oldest Airflow, and try it there
	@$(BIN)/python scripts/try_wheel.py

test-matrix: .venv-checks/.installed ## The tests on every Airflow and Python that is supported; docs/versions.md shows the table
	@$(PYTHON) scripts/matrix.py

fuzz: $(INSTALLED) ## Every parser and every argument with thousands of examples, other ones every time; takes long
	KUCOIN_FUZZ=2000 $(BIN)/python -m pytest -q -n 2 tests/fuzz

audit: .venv-checks/.installed ## Look for known vulnerabilities in the pinned packages; says so when nobody can be asked
	@$(PYTHON) scripts/audit.py || { status=$$?; test $$status -eq 2 && echo 'audit: NOT CHECKED, see above'; }

constraints: ## Renew constraints.txt with the newest version of everything
	$(PYTHON) scripts/constraints.py

clean: ## Remove .venv, and all that was made by the commands above
	rm -rf $(VENV) .venv-2.11 .venv-checks $(wildcard .venv-[23].*-3.*) .venv-release build dist .demo .coverage .coverage.* htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

.venv-release/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -m venv .venv-release
	@.venv-release/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		build check-wheel-contents twine
	@touch $@

.venv-checks/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -m venv .venv-checks
	@.venv-checks/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt pip-audit uv
	@touch $@

.venv-bench/.installed: benchmarks/requirements.txt
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@

.venv-2.11/.installed: pyproject.toml constraints-2.11.txt
	@$(PYTHON) scripts/install.py .venv-2.11 apache-airflow apache-airflow-providers-standard \
		--constraints constraints-2.11.txt --extras ''
	@touch $@

$(DEPLOYABLE): $(INSTALLED)
	@$(PYTHON) scripts/install.py $(VENV) --extras '[dev,deployment]'
	@touch $@

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "This needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || true)."; \
		echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; } >&2
	@$(PYTHON) scripts/install.py $(VENV)
	@touch $@
