# Everything that this project does has a target here; CI runs the same ones.
# All of them set up .venv at the root by themselves, from nothing but Python 3.11 or later.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# The Python that .venv is made of: the first one found.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3 python,\
	$(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))

# How many processes run the suite: half the time of most tests is waiting for servers and for other processes.
# nproc knows a container's share of the machine, and macOS has none.
WORKERS ?= $(shell expr 2 \* $$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN))
PARALLEL = -p xdist -n $(WORKERS) --dist worksteal

# The Python on which the clients are measured as well.
PYTHON313 ?= python3.13

# pip's certificates are good for uv too.
ifdef PIP_CERT
SSL_CERT_FILE ?= $(PIP_CERT)
export SSL_CERT_FILE
endif

# Another environment that happens to be active is none of our business.
unexport VIRTUAL_ENV
unexport PYTHONPATH
unexport PYTEST_ADDOPTS
unexport PYTEST_PLUGINS
unexport PYTEST_DISABLE_PLUGIN_AUTOLOAD
# Without compiled files each of the many runs of pytest compiles all that it imports, for seconds.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
READY := .venv/.ready

.PHONY: help setup demo demo-postgres test docs check lint types arrows coverage sequences census pitfalls day-one conformance soak bench pairs build \
	compat serve clean

help: ## Show the targets.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

setup: $(READY) ## Make or update .venv from uv.lock.

$(READY): pyproject.toml uv.lock .ci/setup
	@PYTHON='$(PYTHON)' .ci/setup
	@touch $@

demo: $(READY) ## Run the example service's tests: real commits, a clean database for each.
	@$(BIN)/python -m backend.demo

demo-postgres: $(READY) ## The same on PostgreSQL: one setting differs, the server is private and leaves nothing behind.
	@$(BIN)/python -m backend.demo -o hermetic_database=postgresql

test: $(READY) ## Run the whole suite: the library's tests, then the example service's.
	$(BIN)/python -m pytest $(PARALLEL)
	$(BIN)/python -m pytest backend

docs: $(READY) ## Run every file and every command that the documentation shows.
	$(BIN)/python -m pytest tests/docs

check: lint types arrows coverage sequences census build ## All that must hold before a change goes in.

lint: $(READY) ## Ruff: rules and format.
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY) ## Mypy, strict, over source and tests.
	$(BIN)/mypy

arrows: $(READY) ## The import contracts of the layers.
	$(BIN)/lint-imports --no-logo

# Each run of a project is started anew here, as a user's is; `make test` forks most of them.
coverage compat: export REAL_STARTS = 1
coverage: $(READY) ## The whole suite, with every branch of src reached.
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q $(PARALLEL)
	$(BIN)/coverage run -m pytest -q backend
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

sequences: $(READY) ## The property tests, with 2,000 sequences each.
	HYPOTHESIS_PROFILE=check $(BIN)/python -m pytest -q $(PARALLEL) -m hypothesis -o timeout=1800

# One of them has no release for httpx 0.28, the other one is not maintained, and takes old versions of what others need.
census: $(READY) ## What hermetic migrate makes of suites whose clients .venv cannot have: httpx 0.27's, and async-asgi-testclient's.
	$(BIN)/uv run --quiet --isolated --frozen --with httpx==0.27.2 --with async-asgi-testclient==1.4.11 python -m pytest -q \
		$(foreach case,app_keyword async_asgi_testclient,\
		'tests/migrate/census/test_census.py::test_what_is_written_down_does_what_the_case_did[$(case)]')

pitfalls: $(READY) ## How each of the broken projects of tests/pitfalls ends, or of PROJECTS; fails if one ends worse.
	$(BIN)/uv run --quiet --isolated --frozen --group pitfalls python -m tests.pitfalls $(PROJECTS)

day-one: $(READY) ## The projects beside this repository, or FOLDERS, as they are, TIMES=10 each on loops of a test and of a run.
	$(BIN)/python -m tests.day_one --times $(or $(TIMES),10) $(FOLDERS)

conformance: $(READY) ## Starlette's, httpx's and FastAPI's own tests, through hermetic's client and rewritten for it; PART=migrate for one.
	$(BIN)/python -m conformance $(PART)

soak: $(READY) ## Random operations and suites on both backends for SECONDS=600, and how many were tried.
	$(BIN)/python -m tests.database.backends.postgresql.restore.soak $(or $(SECONDS),600)

build: $(READY) ## The wheel and the source distribution, into dist/.
	rm -rf dist
	$(BIN)/uv build --quiet
	ls -l dist

bench: $(READY) ## Measure, side by side with the usual recipes; some minutes, figures in benchmarks/results.
	$(BIN)/python -m benchmarks
	@if command -v $(PYTHON313) >/dev/null; then \
		$(BIN)/uv run --quiet --isolated --frozen --python $(PYTHON313) python -m benchmarks.client; \
	else \
		echo "No Python 3.13 for the clients: make bench PYTHON313=/path/to/python3.13"; \
	fi

pairs: $(READY) ## This revision's restore, request and test beside those of BEFORE=commit, pair by pair in one run.
	$(BIN)/python -m benchmarks.pairs $(or $(BEFORE),HEAD~1)

compat: build ## The suite against the installed wheel: oldest and newest Python, lowest and newest dependencies.
	.ci/compat

serve: $(READY) ## Run the example service on http://127.0.0.1:8000, on a database file of its own.
	$(BIN)/alembic -c backend/alembic.ini upgrade head
	$(BIN)/uvicorn backend.app.main:app

clean: ## Remove what the targets made, .venv included.
	rm -rf .venv dist build .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
