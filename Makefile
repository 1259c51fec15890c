# Esito: `make` alone lists what there is. Everything runs from .venv, which is made from
# requirements.lock (every package pinned with its hashes) and needs Python 3.11 and pip alone.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
SPECS ?=
SECONDS ?= 300
# What a machine's own engine needs beside: DOCKER_BUILD="--network host".
DOCKER_BUILD ?=
# Most tests wait for processes, brokers and time-outs. A file stays whole, for what it shares; they
# go in their order, in which the quick ones come last and fill what the slow ones leave.
TEST_PROCESSES ?= 3
PYTEST := $(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile \
  --no-loadscope-reorder
FAST_TESTS := tests/architecture tests/unit tests/property tests/contract
# For the gate, which has just run every test: what `check` and `conformance` do beside tests.
TESTED ?=

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' \
	  | while IFS=$$'\t' read -r name what; do printf '  %-12s %s\n' "$$name" "$$what"; done

.PHONY: venv
venv: $(STAMP) ## Make .venv from the lock (the other targets do it by themselves)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed: make PYTHON=python3.12 …"; exit 1; }
	@test -x $(BIN)/python || { echo "Making .venv"; $(PYTHON) -m venv .venv; } \
	  || { rm -rf .venv; echo "$(PYTHON) has no venv: install the package python3-venv"; exit 1; }
	@echo "Installing what requirements.lock names (once, about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --only-binary :all: --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

.PHONY: demo
demo: $(STAMP) ## Play all five providers, signed and with faults, on an embedded Kafka; ends by itself
	@$(BIN)/esito demo

.PHONY: test
test: $(STAMP) ## Run the tests but make deploy's, on a real Kafka (ESITO_TEST_KAFKA, else Docker, else embedded)
	@$(PYTEST)

.PHONY: check
check: $(STAMP) ## Format, lint, types, generated files and the tests without a Kafka: under a minute
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/python -m ops.generate --check
	@test -n "$(TESTED)" || $(PYTEST) --quiet $(FAST_TESTS)

MODELS := tests/deploy/node_modules/.package-lock.json

$(MODELS): tests/deploy/package-lock.json
	@npm ci --prefix tests/deploy --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: deploy
deploy: $(STAMP) $(MODELS) ## Render deploy/k8s and judge it and the contracts (kubectl, Node, Maven, Prometheus)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --only-binary :all: --require-hashes --requirement tests/deploy/requirements.lock
	@$(PYTEST) --quiet tests/deploy

.PHONY: conformance
conformance: $(STAMP) ## Check the vectors and the documents; with SPECS=DIRECTORY, its reference files too
	@test -n "$(TESTED)" || $(PYTEST) --quiet tests/conformance
	@$(BIN)/python -m tests.conformance
	@$(BIN)/python -m tests.reference_files $(SPECS)

.PHONY: fuzz
fuzz: $(STAMP) ## Throw changed bytes at every decoder and verifier: SECONDS=300 each, two at a time
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS) --processes 2

.PHONY: corpus
corpus: $(STAMP) ## Print every recorded attack by provider and code, and whether it gets its verdict
	@$(BIN)/python -m tests.conformance

.PHONY: contracts
contracts: $(STAMP) ## Write every generated file anew
	@$(BIN)/python -m ops.generate

.PHONY: diagram
diagram: $(STAMP) ## Write the state diagrams anew from the lifecycle tables
	@$(BIN)/python -m ops.generate docs/LIFECYCLES.md

.PHONY: kafka
kafka: $(STAMP) ## Run a broker to play with at 127.0.0.1:9092 until Ctrl-C
	@$(BIN)/python -m ops.embedded.lasting

.PHONY: image
image: $(STAMP) ## Build the image and run every process in it; needs a Docker engine, so not in the gate
	@docker build --quiet --tag esito:0.1.0 --build-arg REVISION=$$(git rev-parse HEAD) $(DOCKER_BUILD) .
	@$(BIN)/python -m pytest --quiet tests/deploy/built_image.py

.PHONY: bench
bench: $(STAMP) ## Measure, side by side; writes benchmarks/RESULTS.md
	@$(BIN)/python -m benchmarks

TOOLS := .tools/.installed
COMPILE := .tools/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url

# Not in .venv, which holds what requirements.lock names and nothing else.
$(TOOLS): requirements.tools.lock
	@test -x .tools/bin/python || $(PYTHON) -m venv .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check \
	  --only-binary :all: --require-hashes --requirement requirements.tools.lock
	@touch $@

.PHONY: lock
lock: $(TOOLS) ## Resolve the packages anew and write requirements.lock, and that of the tools
	@$(COMPILE) --all-extras pyproject.toml -o requirements.lock
	@$(COMPILE) --group tools -o requirements.tools.lock

.PHONY: audit
audit: $(TOOLS) ## Ask the index which locked packages have known weaknesses; not in the gate: it needs its service
	@.tools/bin/pip-audit --strict --progress-spinner off --require-hashes --disable-pip \
	  --requirement requirements.lock

.PHONY: clean
clean: ## Remove .venv and every cache of this folder
	@rm -rf .venv .tools .esito dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
