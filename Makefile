# Whetstone's commands. `make help` lists them. Everything lives in .venv/ and var/; nothing else is touched.
VENV ?= .venv
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,\
  $(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check
JOBS ?= 2

.PHONY: help up train test check bench lock clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

up: $(VENV)/.web ## start Whetstone: database, web, worker and beat; Ctrl-C stops it (UP="--port 9000" for options)
	@exec $(RUN) manage.py up $(UP)

train: $(VENV)/.train ## install what local training needs (torch, transformers, trl, peft)
	@echo "Training is installed. A running Whetstone uses it at once."

test: $(VENV)/.dev $(VENV)/.train ## run all tests, in the way a fresh machine needs it (ARGS="tests/workspace -x" for a part)
	@scripts/chromium
	@$(RUN) -m pytest -n $(JOBS) --dist worksteal $(ARGS)

check: $(VENV)/.dev ## look at the code without running it: style, types, arrows, templates, migrations, deployment
	@VENV=$(VENV) scripts/check

bench: $(VENV)/.dev $(VENV)/.train ## run every benchmark, the quick way (FULL=1 for the long one)
	@scripts/bench $(RUN) $(if $(FULL),,--quick)

lock: ## write the lock files anew with the newest versions that pyproject.toml allows (needs uv)
	@scripts/lock

clean: ## remove the environment; var/, with all data, stays
	rm -rf $(VENV)

# --- the environment: each part is a file that is as old as the last install
$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Whetstone needs Python 3.11 or newer. Debian, Ubuntu: apt-get install python3 python3-venv. macOS: brew install python"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module. Debian, Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version) ..."
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)

$(VENV)/.web: requirements.lock | $(VENV)/bin/python
	@echo "Installing Whetstone's packages into $(VENV) (about half a minute, once) ..."
	@$(PIP) install --progress-bar off --no-deps --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.web | $(VENV)/bin/python
	@echo "Installing the tools for tests and checks ..."
	@$(PIP) install --progress-bar off --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.train: constraints-train.txt $(VENV)/.web | $(VENV)/bin/python
	@echo "Installing torch, transformers, trl and peft (0.2 to 3 GB, depending on the build of torch) ..."
	@$(PIP) install -c constraints-train.txt $$($(RUN) scripts/extra.py train)
	@touch $@
