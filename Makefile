# Each target sets up what it needs. Another interpreter: make PYTHON=python3.12 test
PYTHON ?= python3
BIN := .venv/bin
RUN := .venv/.installed
DEV := .venv/.installed-dev
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test lint bench soak clean

demo: $(RUN)
	PYTHONUNBUFFERED=1 $(BIN)/keras-vae train fashion_mnist --epochs 5 --fallback-to-digits --overwrite --output runs/demo

test: $(DEV)
	$(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(DEV)
	PYTHONUNBUFFERED=1 $(BIN)/python benchmarks/published_digits.py --output runs/bench/published_digits.json

soak: $(DEV)
	$(BIN)/pytest -q -m soak -n 2 --dist loadfile --no-loadscope-reorder

# Leaves .venv and runs alone: one is slow to make, the other is yours.
clean:
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

$(BIN)/python:
	$(PYTHON) -m venv .venv

$(RUN): setup.cfg pyproject.toml | $(BIN)/python
	@echo "Installing keras_vae and TensorFlow into .venv; once, and it may take some minutes"
	$(PIP_INSTALL) --editable .
	touch $(RUN)

$(DEV): setup.cfg pyproject.toml | $(BIN)/python
	@echo "Installing keras_vae, TensorFlow and the test tools into .venv; once, and it may take some minutes"
	$(PIP_INSTALL) --editable '.[dev]'
	touch $(RUN) $(DEV)
