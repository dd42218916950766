# Everything that is done to this project, by name.  Each target first makes the
# environment that it needs, from .ci/requirements.txt, or finds it fresh.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
JOBS ?= 3

MAKEFLAGS += --no-builtin-rules --no-print-directory
RUN = $(VENV)/bin/python
UV = uv==0.13.9

.DEFAULT_GOAL := help
.PHONY: help setup format lint types contracts test models models-deep equality schedules \
  schedules-deep inclusions simulate traces mutants defects chaos museum museum-record \
  conformance conformance-record cpython \
  verify counterexample docs page-test picture dask-test newcomer bench lock clean

help:  ## print this
	@echo 'make TARGET [PYTHON=python3] [VENV=.venv] [ARGS="..."]'
	@echo
	@awk -F ':.*##  *' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'Another Python: make test PYTHON=python3.12 VENV=.venv-3.12'
	@echo 'One test:       make test ARGS="-k cancel"'
	@echo 'In a debugger:  make test JOBS=0 ARGS="--pdb -k cancel"'
	@echo 'More examples:  FOREGONE_PROFILE=soak make test   (quick, ci, soak)'
	@echo 'Some links:     make verify ARGS="lint types"'

setup:  ## make VENV, or find it fresh; all other targets do this first
	@command -v '$(PYTHON)' >/dev/null 2>&1 || { \
	  echo "error: there is no '$(PYTHON)' on PATH: name a Python, as in: make test PYTHON=python3.12" >&2; \
	  exit 1; }
	@'$(PYTHON)' .ci/environment.py '$(VENV)'

format: setup  ## bring all Python files into shape
	@$(RUN) -m ruff check --quiet --fix-only .
	@$(RUN) -m ruff format --quiet .

lint: setup  ## ruff: rules and shape; the lock agrees with pyproject.toml
	@$(RUN) -m model_tests.chain.lint $(ARGS)

types: setup  ## mypy and pyright, both strict; no waivers in what is public
	@$(RUN) -m model_tests.chain.types $(ARGS)

test: setup  ## the tests (pytest), in JOBS processes
	@$(RUN) -m pytest -q --numprocesses $(JOBS) --dist worksteal $(ARGS)

contracts: setup  ## the specification's contracts (CrossHair)
	@$(RUN) -m model_tests.chain.contracts $(ARGS)

models: setup  ## the TLA+ models, the good and the must-fail ones (TLC)
	@$(RUN) -m model_tests.chain.models $(ARGS)

models-deep: setup  ## the same at the largest bounds, before a release: up to 40 minutes
	@$(RUN) -m model_tests.chain.models_deep $(ARGS)

counterexample: setup  ## what TLC finds, as a file for the page: ARGS="museum/ThreadPool-M9"
	@$(RUN) -m model_tests.chain.counterexample $(ARGS)

equality: setup  ## the state graphs of TLA+ and of Python are equal
	@$(RUN) -m model_tests.chain.equality $(ARGS)

schedules: setup  ## the library under all thread schedules, up to a bound
	@$(RUN) -m model_tests.chain.schedules $(ARGS)

schedules-deep: setup  ## the same for longer, before a release: up to 100 minutes
	@$(RUN) -m model_tests.chain.schedules_deep --write $(ARGS)

inclusions: setup  ## code and spec of the future take the same steps; histories are linearizable
	@$(RUN) -m model_tests.chain.inclusions $(ARGS)

simulate: setup  ## the process pool over simulated processes that die at any step
	@$(RUN) -m model_tests.chain.simulation $(ARGS)

traces: setup  ## recorded runs of the library, followed by TLC; --full takes more
	@$(RUN) -m model_tests.chain.traces $(ARGS)

mutants: setup  ## models, tables, spec and library, each changed a little: all are noticed
	@$(RUN) -m model_tests.chain.mutants --full $(ARGS)

defects: setup  ## seeded defects in the library, each found by a check that is named
	@$(RUN) -m model_tests.chain.defects --full $(ARGS)

chaos: setup  ## real processes, killed, stopped and fed with poison at random
	@$(RUN) -m model_tests.chain.chaos $(ARGS)

museum: setup  ## known bugs of the field: each is caught where it should be
	@$(RUN) -m model_tests.chain.museum $(ARGS)

museum-record: setup  ## the same on every interpreter and peer here: up to 10 minutes
	@$(RUN) -m model_tests.museum.record $(ARGS)
	@$(RUN) -m model_tests.museum.page

conformance: setup  ## the kit that judges executors: who is guilty, and who is not
	@$(RUN) -m model_tests.conformance.check $(ARGS)

conformance-record: setup  ## the same on every interpreter and peer here: half an hour
	@$(RUN) -m model_tests.conformance.record $(ARGS); came=$$?; \
	$(RUN) -m model_tests.conformance.page && exit $$came

cpython: setup  ## CPython's own tests of concurrent.futures, run on foregone
	@$(RUN) -m model_tests.chain.cpython_suite $(ARGS)

verify: setup  ## all of the above, and one table of what was shown
	@$(RUN) -m model_tests.chain.verify $(ARGS)

docs: setup  ## the pages, the API, the process pool to click through: build/site/index.html
	@$(RUN) -m model_tests.site $(ARGS)

page-test: setup  ## that page in a real browser: needs chromium and chromedriver
	@$(RUN) -m model_tests.browser $(ARGS)

picture: setup  ## the README's picture of that page, taken anew: needs them too
	@$(RUN) -m model_tests.browser.picture $(ARGS)

newcomer: setup  ## the README's first steps, from a built wheel and sdist, in fresh environments
	@$(RUN) -m model_tests.newcomer $(ARGS)

dask-test: setup  ## the Dask executor on real clusters, whose workers and schedulers are killed
	@$(RUN) -m model_tests.dask $(ARGS)

bench: setup  ## against the standard library, peers, the physical limit; build/bench.html
	@$(RUN) -m bench $(ARGS)

lock: setup  ## write .ci/requirements.txt from the pins in pyproject.toml
	@'$(PYTHON)' -m venv build/lock
	@build/lock/bin/python -m pip --disable-pip-version-check install --quiet '$(UV)'
	@build/lock/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	  --extra verify --no-header --no-annotate pyproject.toml -o .ci/requirements.txt
	@build/lock/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	  --no-header --no-annotate bench/requirements.in -o bench/requirements.txt
	@for each in bench/plots docs/requirements; do \
	  build/lock/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	    --no-header --no-annotate $$each.in -o $$each.txt || exit 1; done
	@for each in browser dask; do \
	  build/lock/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	    --no-header --no-annotate model_tests/$$each/requirements.in \
	    -o model_tests/$$each/requirements.txt || exit 1; done

clean:  ## remove what was built and cached (the environments stay)
	@rm -rf build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .crosshair
	@find spec impl model_tests bench .ci -name __pycache__ -type d -prune -exec rm -rf {} +
