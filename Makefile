# Tongban: the commands of the project. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
WORKERS ?= 2
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test test-deep check docs bench format lock setup setup-dev machine strangers manifests clean

help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | sort | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

run: setup ## Install what is missing and run the whole platform here; Ctrl-C stops it
	@$(BIN)/tongban run

test: setup-dev machine strangers ## All tests on SQLite and PostgreSQL with a real Kafka (ARGS="-k name" for some)
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup -m "not deep" $(ARGS)

test-deep: setup-dev machine ## The long tests that `make test` leaves out
	@$(BIN)/python -m tests.strangers.installed --deep
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup -m deep $(ARGS)

check: setup-dev ## Format, lint, types, import rules, templates, manifests, Dockerfile
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --quiet --lint services
	$(BIN)/python scripts/check_size.py
	$(BIN)/python scripts/docs.py --check
	$(BIN)/python -m deploy.render --check
	$(BIN)/hadolint deploy/Dockerfile

docs: setup-dev ## Write the generated documents anew (events, diagram)
	@$(BIN)/python scripts/docs.py

bench: setup-dev machine ## Throughput, latency and memory, as ratios to baselines measured in the same run
	@$(BIN)/python -m tests.bench $(ARGS)

format: setup-dev ## Put the code into shape
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

manifests: setup-dev ## Render the Kubernetes manifests into deploy/rendered/
	@$(BIN)/python -m deploy.render

lock: setup-dev ## Resolve the dependencies anew; locks hold sums and no addresses
	@bash scripts/lock.sh

setup: $(VENV)/local.stamp ## Virtual environment, page assets, Kafka's jars
	@$(BIN)/python scripts/install_assets.py
	@$(BIN)/python -m services.local.setup .kafka

setup-dev: $(VENV)/dev.stamp setup ## The same with the tools for tests and checks

machine: ## PostgreSQL, Chromium and fonts for the tests: found, or installed where we are root
	@bash scripts/machine.sh

strangers: setup-dev ## Other people's OpenID clients for tests/strangers: found, or installed into .strangers/
	@$(BIN)/python -m tests.strangers.installed

clean: ## Remove what set-up made; the data folder stays
	rm -rf $(VENV) .assets .kafka .strangers .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# A developer's environment is a superset: do not take tools away from it.
$(VENV)/local.stamp: requirements-local.lock pyproject.toml | $(BIN)/python
	@test -e $(VENV)/dev.stamp || { echo "Installing Python packages …"; $(PIP) --require-hashes -r requirements-local.lock; }
	@test -e $(VENV)/dev.stamp || $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "Installing Python packages and development tools …"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/local.stamp
