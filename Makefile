# Two commands: `make demo` and `make test`. Both set up what they need (tools/setup.sh).
#
#     make PYTHON=python3.12 VENV=.venv-3.12 test     with another Python, in another environment

PYTHON ?= python3
VENV ?= .venv
DEMO ?= demo-output
export PYTHON VENV
# Where this is set, every start of TensorFlow compiles it anew, which takes 20 seconds more.
unexport PYTHONDONTWRITEBYTECODE
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint docs wheel-check clean

help:
	@echo "make demo    train and predict on the sample data, without a display: $(DEMO)/report.html"
	@echo "make test    every check: style, types, imports, manifest, documentation, then the tests"
	@echo
	@echo "Also: make lint, make docs, make wheel-check, make clean."

setup:
	@tools/setup.sh

demo: setup
	$(BIN)/napari-marrow demo $(DEMO)

# Qt and TensorFlow crash in one process (which is why the plugin trains in a child), so the
# viewer's tests run in processes of their own. Two at a time, each with one thread: threads of
# libraries that wait for each other on two cores took a tenth of the time.
PYTEST := OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile

test: lint docs
	$(PYTEST) tests/viewer tests/widgets
	$(PYTEST) --ignore tests/viewer --ignore tests/widgets
	$(BIN)/pytest --quiet --doctest-modules src

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/npe2 validate src/napari_marrow/napari.yaml
	$(BIN)/shellcheck tools/*.sh .ci/run

docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

wheel-check: setup
	tools/wheel_check.sh

clean:
	rm -rf build dist site $(DEMO) .tox
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
