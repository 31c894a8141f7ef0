PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test lint clean

demo: $(VENV)/light
	@$(BIN)/antcost table --spec specs/antnet_g2.yaml

test: lint
	$(BIN)/pytest

lint: $(VENV)/full
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)

$(VENV)/light: pyproject.toml | $(BIN)/pip
	$(PIP) --editable .
	@touch $@

$(VENV)/full: pyproject.toml constraints.txt | $(BIN)/pip
	$(PIP) --editable '.[all,dev]'
	@touch $@ $(VENV)/light

clean:
	rm -rf $(VENV)
