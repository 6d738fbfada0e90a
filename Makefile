# `make help` lists the commands. Each installs what it needs by itself.

PYTHON ?= python3
STAGE  ?=
PORT   ?=
COUNT  ?= 60
RATE   ?= 20
BATCH  ?= 100
CLIENTS ?= 16
QUICK  ?=
KEEP   ?=
FILE   ?= ../shared/data/real-transactions.csv.gz

# The Python of the virtual environment, and a file in each environment that says when it was installed.
PY       := .venv/bin/python
PIP      := .venv/.pip
DEV      := .venv/.installed
CLOUD    := .venv-cloud/.installed
SCANNER  := .venv-checkov/.installed
LOADER   := .venv-load/.installed
SOURCES  := app.py chalicelib infra local_cloud bank_simulator load bench mail_gallery mutants openapi operations simulation vendoring tests

# Files that are not made from others, nor pictures: where a secret could have been written.
WRITTEN  := ':!*.png' ':!chalicelib/api/openapi.json' ':!chalicelib/api/pages/docs.html'

LOCK     := .venv/bin/pip-compile -q -U --generate-hashes --allow-unsafe --no-emit-index-url --no-emit-find-links --strip-extras --no-header

# Each command starts several Pythons, which would all compile the same modules.
unexport PYTHONDONTWRITEBYTECODE

# $(call INSTALL,environment,requirements,options): says every ten packages how far it is. awk ends with pip's failure.
# The files name every package that is needed, so pip looks for none. Each environment is filled by the pip of .venv, of
# the pinned version: the one that Python brings with it takes three times as long.
INSTALL = { $(PY) -m pip --python $(1)/bin/python install --no-deps --disable-pip-version-check --progress-bar off $(3) -r $(2) || echo pip-failed; } | awk \
	'/^Collecting / && ++n % 10 == 0 { print "  " n " packages found"; fflush() } \
	/^Installing collected/ { print "  installing them …"; fflush() } \
	/^pip-failed/ { print "The installation failed: the lines above say why. Run the command again."; exit 1 }'

.DEFAULT_GOAL := help
.PHONY: help run stop inbox env simulate fraud replay load scenario bench gallery console-gallery test test-long versions faults faults-cloud guards mutants clients check lint format lock audit openapi provision release banks vendor clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

run: $(DEV) $(CLOUD)  ## Start the local cloud, deploy to it, run the main job (PORT=, COUNT=, RATE=)
	@$(PY) -m local_cloud run $(if $(PORT),--port $(PORT)) --count $(COUNT) --rate $(RATE)

stop: $(DEV)  ## End the local cloud and erase what it stores (KEEP=1: pause it, and keep that)
	@$(PY) -m local_cloud stop $(if $(KEEP),--keep)

inbox: $(DEV)  ## Print where to read the e-mails that the local cloud accepted
	@$(PY) -m local_cloud inbox

env: $(DEV)  ## Print the local cloud's API URL and demo key as shell variables, for `eval`
	@$(PY) -m local_cloud env

simulate: $(DEV)  ## Post more made-up transactions to the local cloud (COUNT=, RATE=)
	@$(PY) -m bank_simulator --count $(COUNT) --rate $(RATE)

fraud: COUNT = 4000
fraud: RATE = 14
fraud: $(DEV)  ## Plant fraud on the local cloud, have holders answer, and report what suggested thresholds change (COUNT=, RATE=)
	@$(PY) -m bank_simulator --count $(COUNT) --batch 10 --clients 2 --rate $(RATE) --holders 100 --days 28 --fraud 0.02 --seed 7
	@$(PY) -m operations.settings_trial --bank eazycard --days 29 --settings docs/suggested-settings.json

replay: $(DEV)  ## Post a file of transactions to the local cloud, and check what is stored (FILE=)
	@$(PY) -m bank_simulator --replay "$(FILE)" --verify

load: COUNT = 20000
load: $(DEV)  ## Post batches with repeats and mistakes to the local cloud, and check each answer (COUNT=, BATCH=, CLIENTS=)
	@echo "The local cloud, its functions and the bank share this machine's processors: it takes some tens of transactions a"
	@echo "second for each processor, and its latency says how busy they are, not what AWS does (docs/performance.md)."
	@$(PY) -m bank_simulator --count $(COUNT) --batch $(BATCH) --clients $(CLIENTS) \
		--duplicates 0.10 --conflicts 0.02 --invalid 0.05 --verify

scenario: $(DEV) $(LOADER)  ## Run a load scenario with Locust, and count what became of everything (NAME=, SCALE=, FILE=)
	@$(PY) -m load $(NAME) $(if $(SCALE),--scale $(SCALE)) $(if $(filter replay,$(NAME)),--file "$(FILE)")

bench: $(DEV)  ## Measure the hot path, cold starts, memory, the analytics job and the e-mails, and compare with targets (QUICK=1)
	@$(PY) -m bench $(if $(QUICK),--quick)
	@$(PY) -m bench.cold $(if $(QUICK),--quick)
	@$(PY) -m bench.analytics $(if $(QUICK),--quick)
	@$(PY) -m bench.mails $(if $(QUICK),--quick)

gallery: $(DEV)  ## Take pictures of every kind of e-mail for docs/emails/, with a headless Chromium
	@$(PY) -m mail_gallery

console-gallery: $(DEV)  ## Take pictures of every view of the console for docs/console/, with a headless Chromium
	@$(PY) -m tests.console.gallery

test: $(DEV) $(CLOUD) $(LOADER) $(SCANNER)  ## Run all tests; they start and stop what they need
	@$(PY) -m pytest -n auto --no-loadscope-reorder

# The tests that try more when they are asked to: tests/sizes.py, Hypothesis's, and `each_dynamodb` in tests/conftest.py.
LONG = $(shell grep -rlE '^from tests.sizes import|@given|each_dynamodb' --include='test_*.py' tests)

test-long: $(DEV) $(CLOUD)  ## Run the tests that try many cases with far more of them than `make test` (FILES=): hours
	@HYPOTHESIS_PROFILE=long $(PY) -m pytest -n auto --no-loadscope-reorder --timeout 0 $(or $(FILES),$(LONG))

versions: $(DEV)  ## Run the tests in which Pythons differ on the newer ones that this machine has (ALL=1: all tests)
	@.ci/versions $(if $(ALL),--all)

faults: SEEDS = 500
faults: $(DEV)  ## Run the whole system in one process through hundreds of bad days, and count what became of everything (SEEDS=)
	@$(PY) -m simulation --seeds $(SEEDS)

faults-cloud: COUNT = 1000
faults-cloud: SEED = 1
faults-cloud: RATE = 12
faults-cloud: $(DEV) $(LOADER)  ## Post to the local cloud on a bad day, and count what became of everything (COUNT=, SEED=, RATE=)
	@$(PY) -m load.faults --count $(COUNT) --seed $(SEED) --rate $(RATE)

guards: $(DEV)  ## Take each condition of a write out in turn, and see that a promise notices it
	@$(PY) -m simulation --seeds 300 --guards

mutants: SAMPLE = 300
mutants: SEED = 1
mutants: $(DEV)  ## Change the core modules' code in small ways, and count which changes no test notices (SAMPLE=, SEED=)
	@$(PY) -m mutants --sample $(SAMPLE) --seed $(SEED)

clients: $(DEV)  ## Generate a client with each usual generator, compile it, and run a program with it (QUICK=1: with two of them)
	@$(PY) -m pytest -n0 --timeout 0 tests/clients/proof.py $(if $(QUICK),-k "$(QUICK_CLIENTS)")

# One of npm's, and one of PyPI's.
QUICK_CLIENTS := openapi-typescript or openapi-python-client

check: lint test  ## Check format, lint, types and templates, then run all tests, as CI does

# Beside each other with `make -j2 check`: the tests wait for much.
lint: $(DEV)  ## Check format, lint, types and templates
	@.venv/bin/ruff format --check $(SOURCES)
	@.venv/bin/ruff check $(SOURCES)
	@.venv/bin/mypy
	@.venv/bin/cfn-lint infra/data.yaml
	@.venv/bin/bandit -q -ll -r $(filter-out tests,$(SOURCES))
	@git ls-files -z -- $(WRITTEN) | xargs -0 sh -c '.venv/bin/detect-secrets-hook --baseline .secrets.baseline "$$@" || [ $$? = 3 ]' -  # 3: known lines have moved

format: $(DEV)  ## Format the code
	@.venv/bin/ruff format $(SOURCES)
	@.venv/bin/ruff check --fix $(SOURCES)

audit: $(DEV)  ## Compare all pinned packages with the weaknesses that PyPI knows of them (needs the internet; says so without)
	@test -x .venv-audit/bin/pip-audit || { $(PYTHON) -m venv .venv-audit && .venv-audit/bin/pip install -q pip-audit; }
	@$(PY) -m infra.package_audit --program .venv-audit/bin/pip-audit requirements.txt requirements-dev.txt local_cloud/requirements.txt load/requirements.txt tests/clients/requirements.txt infra/checkov/requirements.txt

openapi: $(DEV)  ## Write the API's description, chalicelib/api/openapi.json, from the code
	@$(PY) -m openapi

vendor: $(DEV)  ## Take the console's libraries from npm, in the versions and with the hashes of vendoring/packages.json
	@$(PY) -m vendoring

provision: $(DEV)  ## Create or update a stage's data stack: STAGE=prod MAIL_FROM='Name <address>' [MAIL_IDENTITY=domain] [PUBLIC_URL=] [SET='NAME=VALUE …']
	@$(PY) -m infra.provision --stage "$(STAGE)" $(if $(MAIL_FROM),--mail-from "$(MAIL_FROM)") $(if $(MAIL_IDENTITY),--mail-identity "$(MAIL_IDENTITY)") $(if $(PUBLIC_URL),--public-url "$(PUBLIC_URL)") $(foreach one,$(SET),--set "$(one)")

release: $(DEV)  ## Release the app to a provisioned stage through CloudFormation: STAGE=prod
	@$(PY) -m infra.release --stage "$(STAGE)"

banks: $(DEV)  ## List the local cloud's banks; `.venv/bin/python -m operations.banks --help` lists the other commands
	@$(PY) -m operations.banks list

lock: $(DEV)  ## Update the pinned versions and their hashes: what ships, the tools, the local cloud, Locust, the generators of clients
	@.venv/bin/pip install -q pip-tools
	@$(LOCK) -o requirements.txt requirements.in
	@$(LOCK) -o requirements-dev.txt requirements-dev.in
	@$(LOCK) -o local_cloud/requirements.txt local_cloud/requirements.in
	@$(LOCK) -o load/requirements.txt load/requirements.in
	@$(LOCK) -o tests/clients/requirements.txt tests/clients/requirements.in
	@$(LOCK) --no-annotate -o infra/checkov/requirements.txt infra/checkov/requirements.in

clean: KEEP =
clean: stop  ## Stop the local cloud, and remove everything that make and the tools created
	@rm -rf .venv .venv-cloud .venv-checkov .venv-audit .venv-load .venv-3.12 .venv-3.13 .local .chalice/deployments .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(PIP): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: name it, for example with PYTHON=python3.12.")'
	@echo "Making the environment .venv …"
	@$(PYTHON) -m venv .venv || { echo "Python's venv module is missing: on Debian and Ubuntu, install python3-venv."; exit 1; }
	@sed -n '/^pip==/,/[^\\]$$/p' requirements-dev.txt >.venv/pip.txt
	@$(PY) -m pip install -q --no-deps --disable-pip-version-check -r .venv/pip.txt
	@touch $@

$(DEV): $(PIP) requirements.txt requirements-dev.txt
	@echo "Installing the development tools into .venv: $$(grep -c == requirements-dev.txt) packages, once …"
	@$(call INSTALL,.venv,requirements-dev.txt)
	@touch $@

$(CLOUD): local_cloud/requirements.txt | $(PIP)
	@echo "Installing the local cloud into .venv-cloud: $$(grep -c == local_cloud/requirements.txt) packages, once …"
	@$(PYTHON) -m venv --without-pip .venv-cloud
	@$(call INSTALL,.venv-cloud,local_cloud/requirements.txt)
	@touch $@

$(LOADER): load/requirements.txt | $(PIP)
	@echo "Installing Locust into .venv-load: $$(grep -c == load/requirements.txt) packages, once …"
	@$(PYTHON) -m venv --without-pip .venv-load
	@$(call INSTALL,.venv-load,load/requirements.txt)
	@touch $@

$(SCANNER): infra/checkov/requirements.txt | $(PIP)
	@echo "Installing checkov into .venv-checkov: $$(grep -c == infra/checkov/requirements.txt) packages, once …"
	@$(PYTHON) -m venv --without-pip .venv-checkov
	@$(call INSTALL,.venv-checkov,infra/checkov/requirements.txt)
	@touch $@

.venv-3.%/.installed: requirements.txt requirements-dev.txt | $(PIP)
	@echo "Installing the development tools into $(@D), once …"
	@$(PYTHON) -m venv --without-pip $(@D)
	@$(call INSTALL,$(@D),requirements-dev.txt,--no-compile)  # what a test imports is compiled then
	@touch $@
