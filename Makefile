# `make run` and `make test` need nothing but Python 3.11 or newer, make and a package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help venv run test test-all interop check format bench tiny clean

help:  ## What there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

# Always with constraints.txt: an unpinned torch pulls gigabytes of CUDA.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("lrm-eval needs Python 3.11 or newer; this is %d.%d. Try: make PYTHON=python3.11 $@" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

venv: $(STAMP)  ## Build .venv from nothing

run: $(STAMP)  ## Evaluate the bundled LRM-LLaVA in Swahili, Amharic and English
	$(BIN)/lrm-eval run --model lrm-llava --langs sw,am,en

check: $(STAMP)  ## Lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: check  ## Lint, types and all tests that take no minutes
	$(BIN)/pytest -n 2 --dist loadfile -m 'not slow'

test-all: check  ## Everything, slow proofs too
	$(BIN)/pytest -n 2 --dist loadfile

INTEROP := $(abspath $(VENV))/interop
interop: $(STAMP)  ## lmms-eval and Every Eval Ever, side by side with us (PyPI, 1.6 GB)
	$(BIN)/python -m lrm_eval.interop.environment $(INTEROP)/lmms-eval
	test -d $(INTEROP)/eee || { $(BIN)/python -m pip download -q --no-deps --python-version 3.12 --only-binary=:all: -d $(INTEROP) every-eval-ever==0.3.0 && $(BIN)/python -m zipfile -e $(INTEROP)/every_eval_ever-0.3.0-py3-none-any.whl $(INTEROP)/eee; }
	LRM_EVAL_LMMS_PYTHON=$(INTEROP)/lmms-eval/bin/python LRM_EVAL_EEE_SCHEMAS=$(INTEROP)/eee/every_eval_ever/schemas $(BIN)/pytest -n 2 --dist loadfile tests/interop

format: $(STAMP)  ## Let ruff format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)  ## What the harness itself costs
	$(BIN)/python benchmarks/harness_overhead.py

tiny: $(STAMP)  ## Train the bundled checkpoints anew (under an hour on two cores)
	$(BIN)/lrm-llava tiny build
	$(BIN)/lrm-llava tiny card

clean:  ## Remove what make made
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
