# All commands for developers and CI. They need only python3 (>= 3.11), make and git; the rest is installed into
# .venv and node_modules from the pinned lists in requirements/ and package-lock.json.

BIN := .venv/bin
STAMPS := .venv/.stamps
PEERS := .venv-peers
PIP := $(BIN)/python -m pip --disable-pip-version-check
LOCAL := .venv-local
LOCAL_PIP := $(LOCAL)/bin/python -m pip --disable-pip-version-check
COMPILE := $(STAMPS)/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url --no-header
LOCK := $(COMPILE) server/pyproject.toml pocket/pyproject.toml client/pyproject.toml --extra cli \
	--override requirements/ours.in --no-emit-package terrarium-server

.PHONY: setup demo test test-crash test-local test-peers check contract bench gallery lock format
.DEFAULT_GOAL := setup

setup: $(STAMPS)/distributions $(STAMPS)/pocket node_modules/.stamp

$(STAMPS)/venv: scripts/make-venv.sh
	sh scripts/make-venv.sh .venv
	@mkdir -p $(STAMPS)
	@touch $@

$(STAMPS)/pins: requirements/dev.txt requirements/alone.txt $(STAMPS)/venv
	$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	$(PIP) install --quiet --require-hashes --no-deps -r requirements/alone.txt
	@touch $@

$(STAMPS)/distributions: server/pyproject.toml pocket/pyproject.toml client/pyproject.toml $(STAMPS)/pins
	$(PIP) install --quiet --no-deps --no-build-isolation --no-index -e ./server -e ./pocket -e ./client
	@touch $@

# The weights of the small models that ship, stored once per machine for all checkouts.
$(STAMPS)/pocket: $(wildcard pocket/src/terrarium_pocket/*/cards/*.toml) $(STAMPS)/distributions
	$(BIN)/terrarium models pull --yes
	@touch $@

node_modules/.stamp: package.json package-lock.json scripts/with-node.sh | $(STAMPS)/pins
	sh scripts/with-node.sh npm ci --ignore-scripts --silent
	@touch $@

demo: setup
	$(BIN)/python scripts/demo.py

test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile server/tests pocket/tests client/tests tests --ignore tests/crash $(ARGS)

# Killed, stopped and disconnected servers and workers, lost databases, power cuts. Takes minutes.
test-crash: setup
	$(BIN)/python -m pytest tests/crash $(ARGS)

# The tests that need torch run in an environment of their own; `make test` does not need it. Kinds of engines with a
# provider do not need torch, so their tests are left out.
test-local: $(LOCAL)/.stamp
	$(LOCAL)/bin/python -m pytest -k "not provider" tests-local tests/conformance $(ARGS)

$(LOCAL)/.stamp: requirements/local.txt requirements/torch.txt requirements/torch-cpu.txt \
		server/pyproject.toml pocket/pyproject.toml client/pyproject.toml scripts/make-venv.sh
	sh scripts/make-venv.sh $(LOCAL)
	$(LOCAL_PIP) install --quiet --require-hashes --no-deps -r requirements/local.txt
	$(LOCAL_PIP) install --quiet --require-hashes --no-deps -r requirements/torch-cpu.txt 2>$(LOCAL)/torch-cpu.log \
		|| $(LOCAL_PIP) install --require-hashes --no-deps -r requirements/torch.txt
	$(LOCAL_PIP) install --quiet --no-deps --no-build-isolation --no-index -e ./server -e ./pocket -e ./client
	@touch $@

# The engines with servers of other projects, which are large and so installed into an environment of their own.
test-peers: setup $(PEERS)/.stamp
	$(BIN)/python -m pytest tests-peers $(ARGS)

$(PEERS)/.stamp: requirements/peers.txt scripts/make-venv.sh
	sh scripts/make-venv.sh $(PEERS)
	$(PEERS)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --no-deps \
		-r requirements/peers.txt
	@touch $@

check: setup
	@sh scripts/check.sh

format: setup
	$(BIN)/ruff check --quiet --fix-only
	$(BIN)/ruff format --quiet

contract: setup
	$(BIN)/python scripts/contract.py

bench: setup
	$(BIN)/python -m bench $(ARGS)

gallery: setup
	$(BIN)/python scripts/gallery.py

# Upgrades every pin. For a single package: make lock ARGS="--upgrade-package NAME".
lock: ARGS ?= --upgrade
lock: $(STAMPS)/uv/bin/uv
	$(LOCK) $(ARGS) requirements/dev.in -o requirements/dev.txt
	$(LOCK) --constraints requirements/dev.txt -o requirements/run.txt
	$(COMPILE) --no-deps $(ARGS) requirements/alone.in -o requirements/alone.txt
	$(COMPILE) $(ARGS) requirements/peers.in -o requirements/peers.txt
	$(LOCK) --extra local --override requirements/without-torch.in --no-emit-package torch \
		--constraints requirements/dev.txt $(ARGS) requirements/local.in -o requirements/local.txt
	$(COMPILE) --constraints requirements/local.txt requirements/torch.in -o requirements/torch.txt
	$(BIN)/python scripts/licences.py --refresh

$(STAMPS)/uv/bin/uv: | $(STAMPS)/venv
	$(BIN)/python -m venv $(STAMPS)/uv
	$(STAMPS)/uv/bin/pip install --quiet --disable-pip-version-check uv
