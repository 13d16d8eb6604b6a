# `make` alone lists the targets. Everything they write is in .venv, var and the caches of the tools.

PYTHON ?= python3
UV ?= uv
# More than a small machine has processors: half of what tests do is waiting.
PROCESSES ?= 4
ARGS ?=

BIN := .venv/bin
RUNTIME := .venv/.runtime-installed
DEVELOPMENT := .venv/.development-installed

# With these drivers wxbot runs on several machines.
SERVERS := --extra postgres --extra mysql --extra redis

# Containers often set this. Every program that a test starts would compile all of wxbot again, for half a second.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test check bench docs lock

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  ARGS is handed on, as in: make test ARGS='tests/settings -k token'"

run: $(RUNTIME) ## Start a bot and a WeChat to try it with, on this machine
	@$(BIN)/wxbot dev $(ARGS)

# Without ARGS in two parts, the second one test at a time: those that need the machine for themselves.
test: $(DEVELOPMENT) ## Run all tests (PROCESSES=0 for one process, as a debugger needs)
ifeq ($(strip $(ARGS)),)
	@$(BIN)/python -m pytest -n $(PROCESSES) -m "not alone"; others=$$?; \
	$(BIN)/python -m pytest -n 0 -m alone && exit $$others
else
	@$(BIN)/python -m pytest -n $(PROCESSES) $(ARGS)
endif

check: $(DEVELOPMENT) ## Check format, style, types and the rules of the house
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/house_rules

bench: $(DEVELOPMENT) ## Measure how fast scans are answered (ARGS=--help tells what else there is)
	@$(BIN)/python -m bench $(ARGS)

docs: $(RUNTIME) ## Make a site of the documentation, in var/site
	@$(BIN)/python docs/build.py var/site

lock: ## Write the locked requirements anew (needs uv; ARGS=--upgrade for newer versions)
	$(call compile,--group build,deploy/requirements.txt)
	$(call compile,--group build --constraint deploy/requirements.txt $(SERVERS),deploy/requirements-servers.txt)
	$(call compile,--group dev --constraint deploy/requirements-servers.txt,deploy/requirements-dev.txt)

# A lock names versions and hashes and no index: where packages come from is everybody's own affair.
define compile
	@command -v $(UV) >/dev/null || { echo "make lock needs uv (https://docs.astral.sh/uv/); UV= names its path"; exit 1; }
	$(UV) pip compile pyproject.toml $(1) --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header --quiet $(ARGS) --output-file $(2)
endef

# One dot a package: long enough a wait to show that something happens, no reason to read pip's own lines.
define install
	@{ PYTHONUNBUFFERED=1 $(BIN)/python -m pip --disable-pip-version-check --no-input \
		install --require-hashes --requirement $(1); echo $$? > .venv/.status; } | $(BIN)/python -c \
		'import sys; any(line.startswith("Collecting") and print(end=".", flush=True) for line in sys.stdin); print()'
	@exit $$(cat .venv/.status)
	@$(BIN)/python -m pip --disable-pip-version-check --no-input --quiet \
		install --no-deps --no-build-isolation --editable .
endef

$(RUNTIME): deploy/requirements.txt pyproject.toml | $(BIN)/pip
	@echo "Installing what wxbot needs into .venv; the first time takes about half a minute."
	$(call install,deploy/requirements.txt)
	@touch $@

$(DEVELOPMENT): deploy/requirements-dev.txt deploy/requirements.txt pyproject.toml | $(BIN)/pip
	@echo "Installing what wxbot and its tests need into .venv; the first time takes about a minute."
	$(call install,deploy/requirements-dev.txt)
	@touch $(RUNTIME) $@

$(BIN)/pip:
	@command -v $(PYTHON) >/dev/null || { echo "wxbot needs Python 3.11 or newer; there is no $(PYTHON)."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "wxbot needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)."; \
		echo "Name a newer one, as in: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }
