# make demo    the first result: table, CSV, JSON and pictures; ARGS=--quick for a short run
# make test    everything that must hold; its parts: lint types unit doctest
# make docs    the documentation, in docs/_build/html; make docs-check looks at its pages, with Chromium too
# make build   wheel and sdist into dist/
# make clean   forget caches and builds; `rm -rf .venv` forgets the environment

PYTHON ?= python3
VENV   ?= .venv
RUN    := $(VENV)/bin/python -m
# The constraints keep torch at the version that is tested here.
INSTALL := $(RUN) pip install -q --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := demo
.PHONY: demo test lint types unit doctest docs docs-check build clean

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

# Pages are read by one process per core, and each computes on one. A warning is an error, a name without a target is a
# warning. MathJax comes from npm; without it, set MATHJAX to the path of an es5/tex-svg.js of MathJax 3.
docs: $(VENV)/docs.stamp
	OMP_NUM_THREADS=1 $(RUN) sphinx -W -n --keep-going -j auto -b html -d docs/_build/doctrees docs docs/_build/html

docs-check: docs
	$(VENV)/bin/python docs/check_pages.py
	$(VENV)/bin/python docs/check_browser.py $(ARGS)

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

$(VENV)/docs.stamp: $(VENV)/demo.stamp
	$(INSTALL) -e '.[all]' --group docs
	touch $@

clean:
	rm -rf docs/_build docs/auto_examples docs/generated docs/sg_execution_times.rst
	rm -rf dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis .nox
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
