# SPDX-License-Identifier: Apache-2.0
# Mokanda: `make run` boots a village, `make test` proves it. See `make help`.

BOARD ?= orangepi-zero
ENGINE ?= debian
N ?= 1000
SEED ?= 1
DATABASE ?= sqlite
PYTHON := build/venv/bin/python
SETUP := build/venv/.ready
# In memory the tests' files cost no waiting for a disk; what makes things last is counted, not timed.
SCRATCH := $(shell test "$$(df --output=avail --block-size=1G /dev/shm 2>/dev/null | tail -n 1)" -ge 4 2>/dev/null && echo /dev/shm || echo $${TMPDIR:-/tmp})
# Tests wait a third of their time: for a page, for a process, for a second to pass.
WORKERS := $(shell expr $$(nproc) + $$(nproc) / 2)
# Where bytecode is not kept by default, each of the tests' many processes would compile all anew.
BYTECODE := PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX=$(CURDIR)/build/pycache
export MOKANDA_CHROMIUM ?= $(CURDIR)/scripts/tools/chromium

ifdef VERSION
export MOKANDA_VERSION := $(VERSION)
endif

.DEFAULT_GOAL := help
.PHONY: help run run-host test test-quick test-image lint format image lock flash release publish bench bench-wire bench-boot bench-faults bench-hostile bench-link bench-engines bench-memory bench-modem bench-ota bench-powercuts bench-webmail reproduce translations toolbox clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(SETUP) translations ## build the image, start a relay, boot the emulated board (FRESH=1: start over; ENGINE=debian)
	$(PYTHON) -m scripts.local.run $(if $(FRESH),--fresh) --board $(BOARD) --engine $(ENGINE)

run-host: $(SETUP) translations ## webmail, courier and relay on this computer, without image or emulator
	$(PYTHON) -m scripts.local.run_host $(if $(FRESH),--fresh)

test: $(SETUP) ## lint, unit, integration, browser, emulated board
	$(MAKE) --jobs=2 --output-sync=target lint image
	$(MAKE) test-quick
	$(MAKE) test-image

test-quick: $(SETUP) translations toolbox ## lint aside, all tests that need no image
	TMPDIR=$(SCRATCH) $(BYTECODE) $(PYTHON) -m pytest --numprocesses $(WORKERS) --dist worksteal --durations 10 tests/unit tests/fuzz tests/integration tests/browser

test-image: image ## the tests that boot the image on the emulated board (ENGINE=debian THOROUGH=1: those of a release, too)
	$(PYTHON) -m pytest --numprocesses logical --maxprocesses 2 --dist loadfile --no-loadscope-reorder --durations 0 --durations-min 5 $(if $(THOROUGH),--thorough) tests/emulator

lint: $(SETUP) ## ruff, mypy, import-linter, shellcheck, shfmt, yamllint
	PATH="$(CURDIR)/build/venv/bin:$$PATH" scripts/lint

format: $(SETUP) ## let ruff and shfmt format the tree
	PATH="$(CURDIR)/build/venv/bin:$$PATH" scripts/lint --fix

image: $(SETUP) translations toolbox ## build the SD card image (BOARD=orangepi-zero ENGINE=debian)
	scripts/image --board $(BOARD) --engine $(ENGINE) $(if $(BUILT),--built "$(BUILT)")

lock: toolbox ## take Debian's newest packages into recipes/packages.lock (DRY_RUN=1: only show them)
	scripts/lock $(if $(DRY_RUN),--dry-run)

flash: $(SETUP) ## write the image to a card (DEVICE=/dev/sdX)
	scripts/flash --board $(BOARD) $(DEVICE)

release: image ## signed update, deltas, checksums and manifest in build/release (PUBLISH=relay's data folder FROM=earlier updates KEY=pkcs11:... URL=where it will be)
	scripts/release --board $(BOARD) $(addprefix --from ,$(FROM)) $(if $(KEY),--key '$(KEY)') $(if $(URL),--url $(URL)) $(if $(PUBLISH),--publish $(PUBLISH)) $(if $(BUILT),--legal-info "$(BUILT)/../legal-info")

publish: $(SETUP) toolbox ## copy a release, verified and at once, to a folder of releases (TO=[HOST:]FOLDER VERSION= DRY_RUN=1: only show)
	scripts/publish $(if $(VERSION),--version $(VERSION)) $(if $(DRY_RUN),--dry-run) $(TO)

bench: bench-wire bench-link bench-memory bench-faults bench-hostile bench-webmail bench-modem ## measure everything against the peers

bench-wire: $(SETUP) ## bytes of a mail on the wire, beside the peers' formats
	$(PYTHON) -m tests.bench.wire

bench-engines: $(SETUP) ## boot and memory of the last image beside the other engine's (OTHER=its mokanda.img)
	$(PYTHON) -m tests.bench.engines $(OTHER)

bench-faults: image ## mail lost or doubled when N things go wrong (N=1000 SEED=1 DATABASE=sqlite), and every fault of docs/faults.md on the emulated board
	$(PYTHON) -m tests.bench.faults --cuts $(N) --seed $(SEED) --database $(DATABASE)
	$(PYTHON) -m pytest --thorough tests/emulator/test_faults.py

bench-powercuts: N = 200
bench-powercuts: image ## boards stranded and letters lost by N power cuts on the emulated board, at moments of chance (N=200 SEED=1)
	$(PYTHON) -m tests.bench.powercuts --cuts $(N) --seed $(SEED) --image build/image/$(BOARD)/mokanda.img

bench-boot: image ## instructions from power-on to the first page, beside a plain Debian's (OTHER=another mokanda.img); memory and wakeups of the daemons
	$(PYTHON) -m tests.bench.boot $(OTHER)

bench-hostile: $(SETUP) ## how long others wait while a relay and a webmail are sent what means harm
	$(PYTHON) -m tests.bench.hostile

bench-webmail: $(SETUP) ## the webmail beside Lokole's client, on the same store
	$(PYTHON) -m tests.bench.webmail

bench-modem: $(SETUP) ## what becomes of sticks, SIM cards and networks of every kind
	$(PYTHON) -m tests.bench.modem

bench-ota: image ## bytes of an update over the air: a module, a library, the kernel; memory to apply it
	$(PYTHON) -m tests.bench.ota --board $(BOARD)

bench-memory: $(SETUP) ## the memory that hostile bundles, forms and mails can take
	$(PYTHON) -m tests.bench.memory

bench-link: $(SETUP) ## a night without mail, by the packet; a night's mail over 64 kbit/s and 1 s, whole and in pieces
	OPENSSL_CONF=firmware/system/usr/lib/mokanda/tls.cnf $(PYTHON) -m tests.bench.link

reproduce: $(SETUP) toolbox ## build this commit's image twice, under other conditions, and compare the bytes (ENGINE=debian)
	$(PYTHON) -m tests.bench.reproduce --board $(BOARD) --engine $(ENGINE) $(if $(BUILT),--built $(BUILT))

translations: $(SETUP) ## compile and check the translation catalogues
	scripts/translations

toolbox: ## the pinned Debian 13 tools (QEMU, RAUC, Chromium ...) in build/toolbox
	scripts/toolbox true

$(SETUP): requirements-dev.txt wire/pyproject.toml firmware/pyproject.toml relay/pyproject.toml scripts/setup
	scripts/setup

clean: ## forget images and runs, keep tools and downloads
	rm -rf build/image build/emulator build/release build/run build/run-host

distclean: ## remove all that was built in the tree
	rm -rf build
