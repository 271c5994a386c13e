# The one command set of this project. `make help` lists it.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
CLUSTER_PACKAGES := slurm-wlm munge openssh-server
TEST_PACKAGES := chromium fonts-dejavu-core postgresql $(CLUSTER_PACKAGES)
PYTEST_OPTIONS ?=
WORKERS ?= 2
# The files in the order of tests/conftest.py, not by their number of tests.
IN_PARALLEL := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help demo demo-check demo-slurm test test-faults test-accounting random-acts soak lint format bench fuzz cluster cluster-down clean lock install
.DEFAULT_GOAL := help

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

install: $(VENV)/.installed ## make .venv with exactly the locked versions

$(VENV)/.installed: requirements.lock requirements.txt pyproject.toml .ci/bootstrap
	@PYTHON="$(PYTHON)" .ci/bootstrap $(VENV)
	@touch $@

demo: install ## simulated bench, executor and dashboard; Ctrl-C stops all three
	@$(BIN)/python -m background_executor.demo run

demo-check: install ## the same without a browser, compared with the truth; exit 1 when it is wrong
	@$(BIN)/python -m background_executor.demo check

demo-slurm: install ## the demo through a real sshd and a real SLURM of this machine (root)
	@.ci/system-packages $(CLUSTER_PACKAGES)
	@$(BIN)/python -m tests.cluster.demo run

test: install lint ## install what is missing, then lint, types and all tests
	@.ci/system-packages $(TEST_PACKAGES)
	@echo "Left out: tests/accounting (sacct of a real slurmdbd), by: make test-accounting"
	$(BIN)/python -m pytest $(IN_PARALLEL) --ignore=tests/accounting $(PYTEST_OPTIONS)

test-faults: install ## of all tests, only the faults of connection and scheduler (root)
	@.ci/system-packages $(CLUSTER_PACKAGES)
	$(BIN)/python -m pytest $(IN_PARALLEL) tests/faults $(PYTEST_OPTIONS)

test-accounting: install ## sacct of a real slurmdbd with MariaDB (root; not part of make test)
	@.ci/system-packages $(CLUSTER_PACKAGES) slurmdbd mariadb-server
	$(BIN)/python -m pytest tests/accounting $(PYTEST_OPTIONS)

RANDOM_ACTS ?= 10000
RANDOM_SEED ?= 1
random-acts: install ## RANDOM_ACTS=10000 decisions, faults and deaths against a model of the truth
	PMT_MONITOR_RANDOM_ACTS=$(RANDOM_ACTS) PMT_MONITOR_RANDOM_SEED=$(RANDOM_SEED) \
		$(BIN)/python -m pytest -s tests/background_executor/decisions/test_random_acts.py $(PYTEST_OPTIONS)

SOAK_POINTS ?= 500
SOAK_SEED ?= 1
soak: install ## SOAK_POINTS=500 over real SSH and SLURM, a random fault every few seconds (root)
	@.ci/system-packages $(CLUSTER_PACKAGES)
	@$(BIN)/python -m tests.soak --points $(SOAK_POINTS) --seed $(SOAK_SEED)

lint: install ## ruff, format, mypy --strict and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: install ## ratios and figures of this machine, each bench in one run (hours in all)
	@status=0; for script in tests/benchmarks/bench_*.py; do \
		echo "== $$script"; $(BIN)/python -m tests.benchmarks.$$(basename $$script .py) || status=1; \
	done; exit $$status

FUZZ_SECONDS ?= 300
fuzz: install ## coverage-guided fuzzing of the raw file readers, FUZZ_SECONDS=300
	@$(BIN)/python -m tests.fuzz.fuzz_readers --seconds $(FUZZ_SECONDS)

cluster: install ## start a real sshd and SLURM of one node to play with (root)
	@.ci/system-packages $(CLUSTER_PACKAGES)
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
