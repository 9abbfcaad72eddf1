PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# In a container one is often root, which JupyterLab asks to be told.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: demo test slow robustness lint docs lessons lessons-outputs constraints dist clean

demo: $(INSTALLED)
	$(BIN)/spikelearn demo --out runs/demo

test: $(INSTALLED)
	$(BIN)/python -m pytest -n auto --dist worksteal

slow: $(INSTALLED)
	$(BIN)/python -m pytest -m slow

# Inputs that are changed at random, kills, signals, full disks: many; the tests take a sample.
# Counts by how commands ended are printed, and written to robustness.json.
robustness: $(INSTALLED)
	$(BIN)/python tests/robustness/harness.py --jobs 2 --out robustness.json

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/architecture/check_docstrings.py

# The documentation, in docs/_build/html; a warning is an error, and every link is followed.
docs: $(INSTALLED)
	$(BIN)/python -m sphinx -W --keep-going -j auto -q -d docs/_build/doctrees docs docs/_build/html
	$(BIN)/python docs/check_site.py docs/_build/html

# Opens JupyterLab, which the environment is given first, on copies of the lessons, to work with.
# Without a browser on this machine: make lessons LAB=--no-browser
lessons: $(INSTALLED)
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[lessons]"
	test -d lessons || $(BIN)/spikelearn lessons copy all lessons
	$(BIN)/jupyter lab --notebook-dir=lessons $(AS_ROOT) $(LAB)

# Runs the lessons, and stores what they print and draw in them.
lessons-outputs: $(INSTALLED)
	$(BIN)/python docs/store_outputs.py

# Pins what pyproject.toml names, for every Python that it is tested with; pins that fit stay.
# To take newer ones: make constraints UPGRADE='--upgrade-package numba'
constraints: $(INSTALLED)
	$(BIN)/python -m pip install --quiet -c constraints.txt uv
	PATH="$(abspath $(BIN)):$$PATH" .ci/constraints $(UPGRADE)

# Wheel and source distribution in dist/, the same bytes from the same commit, and checked.
dist: $(INSTALLED)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[release]"
	rm -rf dist
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -c constraints.txt -e ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) build dist
