# The only commands a person must know. `make` alone lists them.
PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
WORKERS ?= 3
export PYTHONPATH := $(CURDIR)/plugins:$(CURDIR)

.PHONY: help run stop ui screenshots psql cloudquery test lint format lock docs bench clean

help:  ## List the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

$(INSTALLED): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@echo "Installing into $(VENV) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@# Compiled, for where PYTHONDONTWRITEBYTECODE keeps Python from doing it: Airflow starts in half the time.
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-dev.txt
	@touch $@

run: $(INSTALLED)  ## Sync every context of the kubeconfig (or two demo clusters) into PostgreSQL; ALL=1 lists every kind
	@$(BIN)/python -m quickstart run $(if $(ALL),--all)

stop: $(INSTALLED)  ## End what `make run` started; its data stays
	@$(BIN)/python -m quickstart stop

ui: $(INSTALLED)  ## Airflow with this DAG, on http://127.0.0.1:8080
	@$(BIN)/python -m quickstart ui

screenshots: $(INSTALLED)  ## Take the screenshots of the docs anew, of the demo clusters; needs Chromium
	@$(BIN)/python -m docs.screenshots

psql: $(INSTALLED)  ## A psql session with the inventory
	@$(BIN)/python -m quickstart psql

cloudquery: $(INSTALLED)  ## `cloudquery sync` instead of Airflow, into a schema of its own
	@$(BIN)/python -m quickstart cloudquery

test: $(INSTALLED)  ## All tests, against real components
	@$(BIN)/python -m tests.cluster
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: $(INSTALLED)  ## Format, lint, types, import contracts, SQL, freshness of locks and docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.lint_sql
	$(BIN)/python -m docs.generate --check

format: $(INSTALLED)  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(INSTALLED)  ## Write the generated pages of docs/
	$(BIN)/python -m docs.generate

bench: $(INSTALLED)  ## The measurements behind docs/performance.md
	$(BIN)/python -m bench.sync_speed
	$(BIN)/python -m bench.sync_memory
	$(BIN)/python -m bench.typed_client
	$(BIN)/python -m bench.cloudquery_sync
	$(BIN)/python -m bench.relations
	$(BIN)/python -m bench.query_pack
	$(BIN)/python -m bench.many_crds
	$(BIN)/python -m bench.bad_contexts
	$(BIN)/python -m bench.history
	$(BIN)/python -m bench.page
	$(BIN)/python -m bench.fleet

COMPILE := $(BIN)/uv pip compile --quiet pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --upgrade
lock: $(INSTALLED)  ## Write requirements.txt, requirements-dev.txt and requirements-cloudquery.txt anew
	$(COMPILE) --extra airflow --output-file requirements.txt
	$(COMPILE) --extra airflow --extra celery --extra cloudquery --extra dev --constraints requirements.txt --output-file requirements-dev.txt
	$(COMPILE) --extra cloudquery --constraints requirements-dev.txt --output-file requirements-cloudquery.txt

clean: stop  ## Remove the virtual environment and all local data
	rm -rf $(VENV) .local
