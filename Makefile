# The three commands: make run, make check, make test. All else is for working on CityChat. Linux and macOS.
# ARGS passes flags: make run ARGS="--listen 0.0.0.0"

VENV := .venv
BIN := $(VENV)/bin
SEEDS ?= 1000
# Of the simulation: embedded, services, lua, redis, or one that is for one rule (tests/simulation/run.py)
WORLD ?= embedded
# Of fuzz; and of soak, how many messages with a tick are to be audited in all its runs together
MINUTES ?= 5
SEED ?= 1
MESSAGES ?= 1000000
# Tests that share nothing but servers with each other, so that every core can run some. Whoever is done takes from the
# other: the simulation would else stay with one core to the end
HERMETIC := tests/unit tests/contract tests/simulation tests/mutants
# Of `make prove` alone: a screen reader and Lighthouse over the page
DEEP := tests/deep
ARGS ?=
NEWEST := python3 python3.14 python3.13 python3.12 python3.11
IS_NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in $(NEWEST); do $$p -c '$(IS_NEW_ENOUGH)' 2>/dev/null && echo $$p && break; done)

# What an install depends on; a second start finds the stamp newer and waits for nothing.
SOURCES := pyproject.toml requirements.lock setup.py package.json package-lock.json .npmrc build_gazetteer.py build_sentences.py build_page.mjs
RUN_STAMP := $(VENV)/installed-run
TEST_STAMP := $(VENV)/installed-test
NPM_STAMP := node_modules/installed
PEERS_STAMP := bench/peers/node_modules/installed
LIGHTHOUSE_STAMP := bench/lighthouse/node_modules/installed
# The page as one script and one sheet: with a source edited since, a server serves all sources as they are
PAGE := citychat/static/bundle/made-from.txt
TRANSLATIONS := citychat/sentences/made-from.txt
PAGE_SOURCES := $(wildcard citychat/static/*.js citychat/static/views/*.js citychat/static/style/*.css)
LOG := $(VENV)/install.log
# Of the one file: an environment of its own, with the package as others install it and nothing that tests need
BINARY_WORK := .work/binary
BINARY_BIN := $(BINARY_WORK)/venv/bin
BINARY_TESTS := tests/test_binary.py tests/test_image.py tests/faults/test_restart.py tests/browser/test_walk.py \
	tests/browser/test_terminal_guest.py \
	$(foreach of,start stop clients terminal hosting services status metrics reload,tests/server/test_$(of).py)
# It reads no variable of Python's: its output has every letter
NOT_OF_BINARY := --deselect tests/server/test_start.py::test_letters_that_the_output_lacks_are_written_as_escapes

.PHONY: run check test prove lint hermetic real deep simulate silence takeover locate mutants fuzz soak bench bench-claim bench-search bench-start bench-scale bench-idle bench-talk lighthouse load flood faults screens heard icons docs binary binary-tests bare-debian cluster lock coverage system-packages servers reader builder
.NOTPARALLEL:
.DEFAULT_GOAL := run

run: $(RUN_STAMP)
	@exec $(BIN)/python -m citychat $(ARGS)

# The page's code has types in comments: TypeScript reads them, and nothing is compiled
lint: $(TEST_STAMP) $(NPM_STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/node node_modules/typescript/bin/tsc
	$(BIN)/node node_modules/oxlint/bin/oxlint --deny-warnings

# No root, no services, no browser; Node comes with the test requirements
# Fewer seeds than in `make test`: it is the round between two commits
check: export CITYCHAT_SIM_SEEDS := 6
check: export CITYCHAT_SIM_SERVICES := 4
check: export CITYCHAT_SIM_RETURNS := 2
check: export CITYCHAT_SIM_LATES := 2
check: export CITYCHAT_SIM_OVERLAPS := 2
check: export CITYCHAT_SIM_FAIL_OVERS := 6
check: export CITYCHAT_TWIN_LIVES := 50
check: $(TEST_STAMP) $(NPM_STAMP) $(PAGE) $(TRANSLATIONS)
	@tools/cpu-time $(MAKE) --no-print-directory lint hermetic

# Everything: a browser, and a private Redis, RabbitMQ and MongoDB-protocol server, which its first lines name
test: export CITYCHAT_TEST_SERVERS := 1
test: servers $(TEST_STAMP) $(NPM_STAMP) $(PAGE) $(TRANSLATIONS)
	@echo "Browser: $$(tools/browser --version)"
	@tools/cpu-time $(MAKE) --no-print-directory lint hermetic real

# The deep rounds, hours on two cores, which CI does not run: what is seldom is found by many seeds and every fault.
# And the one file, which takes minutes to make
prove: export CITYCHAT_TEST_SERVERS := 1
prove: reader $(TEST_STAMP) $(PAGE) $(TRANSLATIONS) $(LIGHTHOUSE_STAMP)
	@tools/cpu-time $(MAKE) --no-print-directory deep binary-tests

hermetic:
	$(BIN)/python -m pytest -n auto --dist worksteal $(HERMETIC)

real:
	CITYCHAT_TEST_BROWSER="$$(tools/browser)" $(BIN)/python -m pytest $(addprefix --ignore=,$(HERMETIC) $(DEEP))

deep: export CITYCHAT_SIM_SEEDS := 6000
deep: export CITYCHAT_SIM_SERVICES := 1000
deep: export CITYCHAT_SIM_REDIS := 300
deep: export CITYCHAT_FAULT_MUTANTS := 4
deep: export CITYCHAT_SIM_RETURNS := 600
deep: export CITYCHAT_SIM_LATES := 300
deep: export CITYCHAT_SIM_OVERLAPS := 600
deep: export CITYCHAT_SIM_FAIL_OVERS := 600
deep: export CITYCHAT_WALKS := 20
deep: export CITYCHAT_TWIN_LIVES := 5000
deep:
	$(BIN)/python -m pytest -n auto --dist worksteal tests/simulation
	CITYCHAT_TEST_BROWSER="$$(tools/browser)" $(BIN)/python -m pytest $(DEEP)
	$(BIN)/python -m pytest -n auto tests/unit/adapters/test_lobby_machine.py tests/unit/client/test_outbox_twin.py
	$(BIN)/python -m tests.simulation.silence
	$(BIN)/python -m tests.mutants --no-table
	$(BIN)/python -m pytest tests/faults/test_faults.py -k rule_left_out
	$(BIN)/python -m tests.faults --no-table

simulate: $(TEST_STAMP)
	$(BIN)/python -m tests.simulation --world $(WORLD) --seeds $(SEEDS)

# How many people of a town false reports pause: the table of SECURITY.md
silence: $(TEST_STAMP)
	$(BIN)/python -m tests.simulation.silence

# A town that pages of one address try to take over; writes its table into docs/reliability.md
takeover: $(TEST_STAMP)
	$(BIN)/python -m tests.simulation.takeover

# The program with one rule left out, again and again: each must be noticed; writes its table into docs/reliability.md
mutants: servers $(TEST_STAMP)
	$(BIN)/python -m tests.mutants

# Frames that nobody of us has written, into every reader and a real server; writes its table
fuzz: $(TEST_STAMP)
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES) --seed $(SEED)

# The fault programme again and again, until so many messages were audited; a run that is stopped goes on; writes its table
soak: servers $(TEST_STAMP)
	$(BIN)/python -m tests.faults.soak --messages $(MESSAGES)

# Where somebody with 200 guests of his own finds another one; writes its table
locate: $(TEST_STAMP)
	$(BIN)/python -m tests.simulation.locate

# CityChat beside servers of others that do the same work, in turn; a quarter of an hour
bench: servers $(TEST_STAMP) $(PEERS_STAMP)
	$(BIN)/python -m bench.compare $(ARGS)

bench-claim: $(TEST_STAMP)
	$(BIN)/python -m bench.claim

bench-search: $(TEST_STAMP)
	$(BIN)/python -m bench.search

# A server from nothing to its first page, and the short commands
bench-start: $(TEST_STAMP)
	$(BIN)/python -m bench.start

# What a guest costs Redis, RabbitMQ and MongoDB: private servers, some minutes
bench-scale: $(TEST_STAMP)
	$(BIN)/python -m bench.scale

# A guest who has joined and only answers pings: memory, and processor time of a ping
bench-idle: $(TEST_STAMP)
	$(BIN)/python -m bench.idle

# What a message costs the server's process, at a rate and as fast as pairs get it delivered
bench-talk: $(TEST_STAMP)
	$(BIN)/python -m bench.talk

# Google's Lighthouse (176 MB, from npm) over the page of a private server, on its phone and its desktop; writes its table
lighthouse: system-packages $(TEST_STAMP) $(PAGE) $(TRANSLATIONS) $(LIGHTHOUSE_STAMP)
	$(BIN)/python -m bench.lighthouse $(ARGS)

load: $(TEST_STAMP)
	$(BIN)/python -m bench.load

# Floods from one address and from twenty, while people talk and others come; writes its table into docs/reliability.md
flood: $(TEST_STAMP)
	$(BIN)/python -m tests.floods

# Every fault at every moment, over the real servers; writes the table of docs/reliability.md
faults: servers $(TEST_STAMP)
	$(BIN)/python -m tests.faults

# The icons of phones, from the drawing
icons: $(TEST_STAMP)
	$(BIN)/python -m tools.icons

screens: system-packages $(TEST_STAMP) $(PAGE) $(TRANSLATIONS)
	CITYCHAT_TEST_BROWSER="$$(tools/browser)" $(BIN)/python -m tests.browser.screens

# What Debian's screen reader says on the whole path, kept in tests/browser/heard.txt
heard: reader $(TEST_STAMP) $(PAGE) $(TRANSLATIONS)
	CITYCHAT_TEST_BROWSER="$$(tools/browser)" $(BIN)/python -m tests.browser.heard

# Two processes over a Redis, a RabbitMQ and a MongoDB-protocol server of their own, to try and to watch
cluster: servers $(TEST_STAMP)
	@exec $(BIN)/python -m tools.cluster

# The pages of docs/ that are made from the code
docs: $(TEST_STAMP)
	$(BIN)/python -m docs.generate

# The newest of everything that pyproject.toml admits, for the next `make check` on every machine
lock:
	@tools/lock "$(PYTHON)"

# Branches of the package that the hermetic tests pass through; CONTRIBUTING.md says what is left out on purpose
coverage: $(TEST_STAMP)
	$(BIN)/python -m pytest -q -n auto --dist worksteal --cov --cov-report=term:skip-covered $(HERMETIC)

# CityChat in one file, dist/citychat: it needs no Python. For this machine's processor, and a C library as old as its own
binary:
	@test -x $(BINARY_BIN)/python || "$(PYTHON)" -m venv $(BINARY_WORK)/venv
	@rm -rf build/lib build/bdist.*
	@$(BINARY_BIN)/python -m pip install --disable-pip-version-check -c requirements.lock '.[binary]' >$(BINARY_WORK)/install.log 2>&1 || { cat $(BINARY_WORK)/install.log >&2; exit 1; }
	@$(BINARY_BIN)/python -m tools.binary

# The tests of what hosts and clients see, with the one file in place of the sources
binary-tests: export CITYCHAT_TEST_SERVERS := 1
binary-tests: export CITYCHAT_TEST_PROGRAM := $(CURDIR)/dist/citychat
binary-tests: export CACHE_DIRECTORY := $(CURDIR)/$(BINARY_WORK)/cache
binary-tests: builder $(TEST_STAMP) binary
	CITYCHAT_TEST_BROWSER="$$(tools/browser)" $(BIN)/python -m pytest $(BINARY_TESTS) $(NOT_OF_BINARY)

# The one file in a Debian 12 without Python: as root, with debootstrap
bare-debian: binary
	@tools/bare-debian

system-packages:
	@tools/system-packages "$(PYTHON)"

servers:
	@tools/system-packages "$(PYTHON)" servers

# Servers, and a screen reader with a screen
reader:
	@tools/system-packages "$(PYTHON)" reader

# Servers, and what makes images
builder:
	@tools/system-packages "$(PYTHON)" builder

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "CityChat needs Python 3.11 or newer: install it, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c '$(IS_NEW_ENOUGH)' || { echo "CityChat needs Python 3.11 or newer, and $(PYTHON) is not" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "This Python has no venv: on Debian, apt-get install python3-venv" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV)

# Quiet unless it fails: the terminal belongs to the program.
$(RUN_STAMP): $(SOURCES) $(BIN)/python
	@$(BIN)/python -m pip install --disable-pip-version-check -e . >$(LOG) 2>&1 || { cat $(LOG) >&2; exit 1; }
	@touch $@

$(TEST_STAMP): $(SOURCES) $(BIN)/python
	@$(BIN)/python -m pip install --disable-pip-version-check -c requirements.lock -e '.[test]' >$(LOG) 2>&1 || { cat $(LOG) >&2; exit 1; }
	@touch $(RUN_STAMP) $@

$(TRANSLATIONS): $(wildcard citychat/locale/*/LC_MESSAGES/citychat.po) build_sentences.py

$(PAGE): $(PAGE_SOURCES)

$(PAGE) $(TRANSLATIONS): | $(TEST_STAMP)
	@$(BIN)/python setup.py -q parts >$(LOG) 2>&1 || { cat $(LOG) >&2; exit 1; }
	@touch $@

# What checks the page's code
$(NPM_STAMP): package.json package-lock.json .npmrc | $(TEST_STAMP)
	@$(BIN)/npm ci --prefer-offline >$(LOG) 2>&1 || { cat $(LOG) >&2; exit 1; }
	@touch $@

# Programs of others to measure beside or with: each has a list of its own, .npmrc is of the one above
$(PEERS_STAMP) $(LIGHTHOUSE_STAMP): %/node_modules/installed: %/package.json %/package-lock.json | $(TEST_STAMP)
	@$(BIN)/npm ci --prefix $* --prefer-offline --ignore-scripts --no-audit --no-fund >$(LOG) 2>&1 || { cat $(LOG) >&2; exit 1; }
	@touch $@
