# boltcli: see README.md. `make help` lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
READY := $(VENV)/.ready
FUZZ_SECONDS ?= 60
ANSWERS ?= 10000
SEED ?= 1
MUTANTS ?= 300
COVERAGE_FLOOR ?= 85
DOCUMENT := fixtures/document.db

.DEFAULT_GOAL := help
.PHONY: help demo table quick test thorough servers coverage versions compat fuzz fuzz-answers sanitize bench rescue-score mutants goldens fixtures lint types site man dist sbom release-check zipapp clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 15

# --upgrade-deps: the console scripts that an old pip writes import `re`, which is half of Python's start-up time.
$(INSTALLED): pyproject.toml $(wildcard boltcli/kernel/*.[ch]) boltcli/kernel/build_hook.py
	$(PYTHON) -m venv --upgrade-deps $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	$(BIN)/python -m compileall -q boltcli
	@touch $@

# What the tests need beside: every extra, and the tools.
$(READY): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --editable '.[all]' --group dev
	@touch $@

demo: $(INSTALLED) ## Set up, then inspect the shipped Bacalhau database
	$(BIN)/boltcli check $(DOCUMENT)
	$(BIN)/boltcli buckets $(DOCUMENT)
	$(BIN)/boltcli keys $(DOCUMENT) execution
	$(BIN)/boltcli stats $(DOCUMENT)

quick: $(READY) ## Run the fast tests, in half a minute
	$(BIN)/python -m pytest -n auto --ignore=tests/compat -m 'not slow and not thorough'

test: $(READY) ## Set up, then run the tests that need no Go
	$(BIN)/python -m pytest -n auto

thorough: $(READY) ## Run the cases that `make test` takes a sample of
	$(BIN)/python -m pytest -n auto -m thorough

servers: $(READY) ## Install what the tests on an S3 server and an sshd need; without it they skip
	$(BIN)/python -m pip install --quiet --group servers

compat: $(READY) ## Compare with the real bbolt, live (needs Go; a missing Go is a failure)
	$(BIN)/python -m pytest -m compat -n 2 tests/compat

fuzz: $(READY) ## Fuzz the readers with atheris, for FUZZ_SECONDS (60); crashes go to build/fuzz
	$(BIN)/python -m pip install --quiet --group fuzz
	$(BIN)/python -m tests.fuzz -max_total_time=$(FUZZ_SECONDS)

fuzz-answers: $(READY) ## Ask bbolt and boltcli the same of damaged stores and print where they differ (needs Go; ANSWERS, SEED)
	$(BIN)/python -m tests.compat.fuzz_answers --answers $(ANSWERS) --seed $(SEED)

sanitize: $(READY) ## Run the kernel under AddressSanitizer and UBSan, on damage and for FUZZ_SECONDS on chance (needs gcc)
	bash .ci/sanitize.sh $(FUZZ_SECONDS)

bench: $(READY) ## Measure against the real bbolt; the table goes to build/bench/table.md (needs Go; BENCH_LARGE=1: 2 GB more)
	$(BIN)/python -m compileall -q boltcli
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench.real
	$(BIN)/python -m tests.bench.library

rescue-score: $(READY) ## Damage all stores in many ways, recover them, and print what came back (RESCUE_STORES: more folders)
	$(BIN)/python -m tests.rescue_score

mutants: $(READY) ## Change MUTANTS (300) lines, one at a time, and print those that no test notices (SEED)
	$(BIN)/python -m tests.mutants --sample $(MUTANTS) --seed $(SEED)

goldens: $(READY) ## Write fixtures/golden again from what the real bbolt prints (needs Go)
	cd fixtures/generator && go build -o ../../$(VENV)/bbolt go.etcd.io/bbolt/cmd/bbolt
	$(BIN)/python -m tests.compat.goldens --bbolt $(VENV)/bbolt

fixtures: ## Make all fixtures again with the real bbolt and compare them with the committed ones (needs Go)
	cd fixtures/generator && go run . fixtures -check ..

lint: $(READY) ## Look for mistakes and bad style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check boltcli tests

types: $(READY) ## Check the types, strictly
	$(BIN)/mypy

coverage: $(READY) ## Run the tests with a floor under the coverage of boltcli/
	$(BIN)/python -m pytest -n auto --cov=boltcli --cov-report=term:skip-covered --cov-fail-under=$(COVERAGE_FLOOR)

versions: ## Run the core and cli tests on every Python found here, 3.11 or newer
	bash .ci/versions.sh

table: $(READY) ## Write what the parser knows of all commands, from the functions of the commands
	$(BIN)/python -m boltcli.cli.make_table

site: $(READY) ## Build the manual as a site into build/site, with the JSON schema, the API and screenshots
	$(BIN)/python -m pip install --quiet --group site
	$(BIN)/python .github/site/prepare.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --config-file .github/site/mkdocs.yml

man: $(READY) ## Write the man page to build/boltcli.1
	mkdir -p build
	$(BIN)/python -m boltcli.cli.man > build/boltcli.1

dist: $(READY) ## Build sdist and wheel into dist/, twice the same, and try both in fresh environments
	bash .ci/dist.sh

sbom: $(READY) ## Write dist/boltcli.cdx.json, what boltcli with all extras consists of, with licences
	bash .ci/sbom.sh

release-check: $(READY) ## Verify all that a release needs and that can be verified here; builds dist/
	bash .ci/release.sh

zipapp: $(READY) ## Build dist/boltcli.pyz, boltcli and all that it needs in one file for this Python, and try it (EXTRAS=sql,...)
	bash .ci/zipapp.sh

clean: ## Remove what was set up
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
