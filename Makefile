# make demo    the first result: table, CSV, JSON and pictures; ARGS=--quick for a short run
# make test    everything that must hold; its parts: lint types unit doctest
# make build   wheel and sdist into dist/
# make clean   forget caches and builds; `rm -rf .venv` forgets the environment

PYTHON ?= python3
VENV   ?= .venv
RUN    := $(VENV)/bin/python -m
# The constraints keep torch at the version that is tested here.
INSTALL := $(RUN) pip install -q --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := demo
.PHONY: demo test lint types unit doctest build clean

demo: $(VENV)/demo.stamp
	$(VENV)/bin/python benchmarks/critics_vs_exact.py $(ARGS)

test: lint types unit doctest

lint: $(VENV)/dev.stamp
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) numpydoc lint $$(find divergences gan -name '*.py')
	$(VENV)/bin/repo-review .

types: $(VENV)/dev.stamp
	$(RUN) mypy

unit: $(VENV)/dev.stamp
	HYPOTHESIS_PROFILE=ci $(RUN) pytest --numprocesses=auto $(ARGS)

# scipy-doctest compares numbers as numbers. Its --doctest-collect=api would pass over modules without __all__.
doctest: $(VENV)/dev.stamp
	$(RUN) pytest --doctest-modules divergences gan

build: $(VENV)/dev.stamp
	rm -rf dist
	$(RUN) build

# A stamp file says what is installed, and is out of date when the requirements are.
# Only what the demo needs comes first, because a newcomer waits for it. A pip below 25.1 does not know --group.
$(VENV)/demo.stamp: pyproject.toml constraints.txt
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) 'pip>=25.1'
	$(INSTALL) -e '.[gan,plot]' --group demo
	touch $@

$(VENV)/dev.stamp: $(VENV)/demo.stamp
	$(INSTALL) --group dev
	touch $@

clean:
	rm -rf dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis .nox
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
