# Each target sets up what it needs. Another interpreter: make PYTHON=python3.12 test
PYTHON ?= python3
BIN := .venv/bin
RUN := .venv/.installed
DEV := .venv/.installed-dev
INSTALL := -m pip install --quiet --disable-pip-version-check
PIP_INSTALL := $(BIN)/python $(INSTALL)
# Two processes run the tests, with one thread each.
test test-oldest soak: export TF_NUM_INTRAOP_THREADS := 1
PYTEST := -q -n 2 --dist loadfile --no-loadscope-reorder

# The oldest versions that setup.cfg allows, and the tests that run on them.
OLDEST := .venv-oldest/.installed
OLDEST_VERSIONS := 'tensorflow==2.19.*' 'keras==3.10.*' 'tf-keras==2.19.*' 'numpy==2.1.*'
OLDEST_TESTS := tests/test_stacks.py tests/core tests/conditions tests/layers tests/likelihoods tests/networks \
	tests/objectives tests/optimizers tests/posteriors tests/priors tests/evaluation/test_evaluate_vae.py \
	$(patsubst %,tests/models/test_%.py,conditional hierarchical_vae load_model masks mixed_precision saving)

.PHONY: demo test test-oldest lint notebooks bench soak clean

demo: $(RUN)
	PYTHONUNBUFFERED=1 $(BIN)/keras-vae train fashion_mnist --epochs 5 --fallback-to-digits --overwrite --output runs/demo

test: $(DEV)
	$(BIN)/pytest $(PYTEST)

test-oldest: $(OLDEST)
	.venv-oldest/bin/pytest $(PYTEST) $(OLDEST_TESTS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tests/prose.py

# Runs the examples whose code has changed, an hour for all of them, and writes them with their results.
notebooks: $(DEV)
	nice $(BIN)/python examples/build_notebooks.py

bench: $(DEV)
	PYTHONUNBUFFERED=1 $(BIN)/python benchmarks/published_digits.py --output runs/bench/published_digits.json

# These tests are few and long: a process that has none left takes over tests of the other one.
soak: $(DEV)
	$(BIN)/pytest -m soak -q -n 2 --dist worksteal

# Leaves .venv, .venv-oldest and runs alone: they are slow to make, or yours.
clean:
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

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

$(OLDEST): setup.cfg pyproject.toml
	@echo "Installing keras_vae and its oldest TensorFlow and Keras into .venv-oldest; once, and it may take some minutes"
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python $(INSTALL) $(OLDEST_VERSIONS) --editable '.[test]'
	touch $(OLDEST)
