# The one command set of this project. `make help` lists it.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
TEST_PACKAGES := chromium fonts-dejavu-core slurm-wlm munge openssh-server
PYTEST_OPTIONS ?=

.PHONY: help demo demo-check test test-faults lint format bench fuzz cluster cluster-down clean lock install
.DEFAULT_GOAL := help

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(VENV)/.installed ## make .venv with exactly the locked versions

$(VENV)/.installed: requirements.lock requirements.txt pyproject.toml .ci/bootstrap
	@PYTHON="$(PYTHON)" .ci/bootstrap $(VENV)
	@touch $@

demo: install ## simulated bench, executor and dashboard; Ctrl-C stops all three
	@$(BIN)/python -m background_executor.demo run

demo-check: install ## the same without a browser, compared with the truth; exit 1 when it is wrong
	@$(BIN)/python -m background_executor.demo check

test: install lint ## install what is missing, then lint, types and all tests
	@.ci/system-packages $(TEST_PACKAGES)
	@echo "Left out: tests/faults (faults of a real sshd and SLURM, long); run them by: make test-faults"
	$(BIN)/python -m pytest -n 2 --dist loadfile --ignore=tests/faults $(PYTEST_OPTIONS)

test-faults: install ## faults of connection and scheduler on a real sshd and SLURM (root)
	@.ci/system-packages slurm-wlm munge openssh-server
	$(BIN)/python -m pytest tests/faults $(PYTEST_OPTIONS)

lint: install ## ruff, format, mypy --strict and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: install ## ratios and figures of this machine, one run; nothing fails
	@for script in tests/benchmarks/bench_*.py; do \
		echo "== $$script"; $(BIN)/python -m tests.benchmarks.$$(basename $$script .py) || exit 1; done

FUZZ_SECONDS ?= 300
fuzz: install ## coverage-guided fuzzing of the raw file readers, FUZZ_SECONDS=300
	@$(BIN)/python -m tests.fuzz.fuzz_readers --seconds $(FUZZ_SECONDS)

cluster: install ## start a real sshd and SLURM of one node to play with (root)
	@.ci/system-packages slurm-wlm munge openssh-server
	@$(BIN)/python -m tests.cluster up

cluster-down: install ## end what `make cluster` started
	@$(BIN)/python -m tests.cluster down

format: install ## let ruff format and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove the demo's state, caches and the virtual environment
	rm -rf .demo .cluster .fuzz build dist *.egg-info $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find server_side background_executor dashboard tests -name __pycache__ -type d -prune -exec rm -rf {} +

lock: install ## resolve requirements*.txt anew into requirements.lock
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header requirements-dev.txt --output-file requirements.lock
