# `make demo` shows the system at work, `make test` proves it. Both set up all they need.
PY ?= python3
PORT ?= 8080
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PEERS := $(VENV)/peers
API := $(VENV)/api
COMPILE = $(BIN)/uv pip compile pyproject.toml --generate-hashes --no-emit-index-url --no-header --no-annotate \
  --python-version 3.11 --universal -q
# A file's tests stay in one process: they share what is dear to build, and some go on where the one before ended. The slow ones
# wait for disks and clocks a third of their time: two processes for each core.
BESIDE = --dist loadfile -n auto
BESIDE_SLOW = --dist loadfile -n $(shell echo $$((2 * $$(nproc))))
SHELL := /bin/bash
# Tests start hundreds of processes: each would compile every module again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup services demo check test test-boxes test-journeys test-contracts test-servers bench soak suite screens lock format
.DEFAULT_GOAL := check

setup: $(STAMP)

# Installed again when the lock or the project's metadata changes.
$(STAMP): requirements.lock pyproject.toml
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "需要 Python 3.11 以上：make PY=python3.11"; exit 1; }
	@$(PY) -c 'import ensurepip' 2>/dev/null || ./tests/packages.sh python3-venv
	$(PY) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

# What figures and hazards are measured beside, in a folder that only its processes see: it would weigh on ours.
$(PEERS): $(STAMP) requirements-bench.lock
	@rm -rf $(PEERS)
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes --target $(PEERS) -r requirements-bench.lock

# What the API is asked with; of what it needs, the lock has the rest.
$(API): $(STAMP) requirements-api.lock
	@rm -rf $(API)
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes --no-deps --target $(API) -r requirements-api.lock

services:
	@./tests/packages.sh mosquitto mariadb-server postgresql nginx chromium fonts-noto-cjk libfaketime strace mdbtools mmdebstrap systemd-container gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad python3-gi

demo: setup
	@$(BIN)/python -m provisioning demo --port $(PORT)

# Format, lint, types, import contracts, tests of the cores: one to two minutes, no servers.
check: setup
	$(BIN)/ruff format --check -q .
	$(BIN)/ruff check -q .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest $(BESIDE) -m "not service and not slow"

# The names of what failed stand at the end, whichever stages it was in: of a continuous integration one often sees that alone.
test: export FAILED := $(CURDIR)/.cache/failed
test: check services $(API)
	@mkdir -p .cache && rm -f $(FAILED)
	@$(BIN)/pytest $(BESIDE_SLOW) -m "slow and not service"; slow=$$?; \
	  $(MAKE) --no-print-directory -j4 -k -O test-boxes test-journeys test-contracts test-servers; \
	  status=$$((slow | $$?)); cat $(FAILED) 2>/dev/null; exit $$status

# With real servers. Four processes beside each other: most of their life they wait for the processes they start.
test-boxes:
	$(BIN)/pytest -m service tests/install tests/real tests/probe
test-journeys:
	$(BIN)/pytest -m service tests/journey tests/camera tests/integration/test_barriers.py
test-contracts:
	$(BIN)/pytest -m service tests/contract
test-servers:
	$(BIN)/pytest -m service $(addprefix --ignore=tests/,install real probe journey camera contract integration/test_barriers.py)

# `make bench ONLY=name` runs one figure; each prints one JSON line.
bench: setup services $(PEERS)
	@$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY))

# `make soak WHAT=kill COUNT=100 SEED=1`: long fault runs, closing with one JSON line of counts.
soak: setup services $(if $(filter hazard,$(WHAT)),$(PEERS)) $(if $(filter api,$(WHAT)),$(API)) $(if $(filter document,$(WHAT)),suite)
	@$(BIN)/python -m tests.soak --what $(or $(WHAT),kill) --count $(or $(COUNT),20) --seed $(or $(SEED),1)

# The office suite that shows the editable documents: of one soak alone, which says that it was skipped where there is none.
suite:
	-@./tests/packages.sh libreoffice-writer-nogui

# `make screens ONLY=word`: the pages whose address has the word, photographed into .cache/screens for a person to look at.
screens: setup services
	@$(BIN)/python -m tests.screens $(if $(ONLY),--only $(ONLY))

lock: setup
	$(COMPILE) $(foreach extra,agent mysql postgresql sqlserver oracle dm kingbase folder camera central messenger demo dev,--extra $(extra)) -o requirements.lock
	$(COMPILE) --extra bench -c requirements.lock -o requirements-bench.lock
	$(COMPILE) --extra api -c requirements.lock -o requirements-api.lock \
	  $$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' requirements.lock)

format: setup
	$(BIN)/ruff check -q --fix-only .
	$(BIN)/ruff format -q .
