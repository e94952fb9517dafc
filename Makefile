# Two commands on a fresh machine: `make up` (a scoring service with a demo book) and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STATE ?= .firebrand
PORT ?= 8080
UV_VERSION := 0.13.9

.DEFAULT_GOAL := help
.PHONY: help setup up test lint types bench figures demo-artifact lock clean

help:  ## list the targets
	@echo "Firebrand: make TARGET"; echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/dev.stamp  ## make .venv with everything needed to run, train and test

up: $(VENV)/train.stamp  ## demo book, artifact, service on 127.0.0.1:8080, demo signals, one curl; Ctrl-C stops it
	@$(BIN)/firebrand demo --state $(STATE) --port $(PORT)

test: $(VENV)/dev.stamp lint types  ## lint, types and the whole test suite
	$(BIN)/pytest -n 2

lint: $(VENV)/dev.stamp  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp  ## mypy, strict
	$(BIN)/mypy

bench: $(VENV)/dev.stamp  ## load on a service of its own; rewrites the numbers in loadtests/README.md
	$(BIN)/python -m loadtests.bench

figures: $(VENV)/dev.stamp  ## what the learner and the search are worth: planted segments and half-lives, null books, accuracy, speed
	$(BIN)/python -m tests.figures.planted
	$(BIN)/python -m tests.figures.nulls
	$(BIN)/python -m tests.figures.false_alarms
	$(BIN)/python -m tests.figures.accuracy
	$(BIN)/python -m tests.figures.signals
	$(BIN)/python -m tests.figures.trainer

demo-artifact: $(VENV)/train.stamp  ## train the small artifact that the repository ships again
	$(BIN)/python -m scoring.training.demo_artifact artifacts

lock: $(VENV)/python.stamp  ## solve the dependency groups again and write the three lock files
	$(BIN)/pip install --quiet uv==$(UV_VERSION)
	$(call compile,dev,--extra train --group dev)
	$(call compile,train,--extra train --constraint dev.lock)
	$(call compile,serve,--constraint dev.lock)

clean:  ## remove .venv, caches and the demo's state
	rm -rf $(VENV) $(STATE) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# One version of each package for every Python we support, so that an artifact is the same on all of them.
define compile
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	  --fork-strategy fewest --generate-hashes --no-emit-index-url pyproject.toml $(2) --output-file $(1).lock
endef

$(VENV)/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Firebrand needs Python 3.11 or newer; $(PYTHON) is older or missing. Try: make PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# The train group is enough to run the demo; the dev group holds it and adds the test tools.
$(VENV)/%.stamp: %.lock pyproject.toml $(VENV)/python.stamp
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@
