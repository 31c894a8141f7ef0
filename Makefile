PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Some tests need a browser, LaTeX, or what reads its PDFs, and are skipped without. DEBIAN=1 installs
# all of that on Debian, and skips none.
PACKAGES := chromium texlive-latex-recommended poppler-utils
APT := $(shell command -v sudo) env DEBIAN_FRONTEND=noninteractive apt-get -qq

.PHONY: demo test lint debian golden reports clean

demo: $(VENV)/light
	@$(BIN)/antcost table --spec specs/antnet_g2.yaml

test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -m "not timing" --numprocesses auto
	$(BIN)/pytest -m timing

ifdef DEBIAN
test: export ANTCOST_REQUIRE_PROGRAMS := 1
test: debian
endif

debian:
	@dpkg --status $(PACKAGES) > /dev/null 2>&1 || \
		{ $(APT) update && $(APT) install --no-install-recommends $(PACKAGES) > /dev/null; }

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

golden: $(VENV)/full
	@for name in $$($(BIN)/antcost specs --format csv | tail -n +2 | cut -d, -f1); do \
		$(BIN)/antcost table $$name --exact -o tests/golden/$$(echo $$name | tr / _).txt; \
	done

reports: $(VENV)/full
	$(BIN)/antcost compare 'specs/*.yaml' --baseline mobilenet_v2 --format markdown -o reports/imagenet.md
	$(BIN)/antcost compare specs/cifar100 --baseline mobilenet_v2 --format markdown -o reports/cifar100.md
	$(BIN)/antcost compare 'specs/*.yaml' --published --figure reports/zoo.svg --format markdown -o reports/zoo.md
	$(BIN)/antcost search antnet_g2_smaller --front madds --figure docs/front.svg --format markdown -o reports/antnet_g2_front.md
	rm -rf reports/antnets
	$(BIN)/antcost report --preset antnets -o reports/antnets --summary --format md,csv,svg
	@$(BIN)/antcost latency --from reports/table8.json --figure docs/latency.svg > /dev/null

clean:
	rm -rf $(VENV)
