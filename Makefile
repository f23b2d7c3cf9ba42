# The commands of the house. `make` alone lists them.
PYTHON ?= python3
RUN := .venv/bin/python
CATALYST := $(RUN) -m scripts.catalyst
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo demo-all paper-check up dev down test quick thorough flatten lint types contracts unit bench bench-stop funnel-read scanner-reach technical-outcomes train-sentiment bench-sentiment chaos mutants containers-test lock clean distclean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# --- set-up: once for each lock file; says what it does on stderr, so that stdout stays the command's own -------------
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Catalyst needs Python 3.11 or newer; `make PYTHON=python3.12 ...` names one" if sys.version_info < (3, 11) else 0)'
	@echo "setup: a virtual environment in .venv" >&2
	@$(PYTHON) -m venv .venv >&2

.venv/installed-%: requirements/%.txt requirements/bootstrap.txt | .venv/bin/python
	@scripts/install.sh $* >&2
	@touch $@

setup: .venv/installed-demo ## what the demo and the services need
setup-dev: .venv/installed-dev ## and what the checks need

# --- run ---------------------------------------------------------------------------------------------------------------
demo: .venv/installed-demo ## a whole trading day on a simulated exchange [TAPE=folder DATE=day SPEED=n FLAGS=--json]
	@exec $(CATALYST) demo $(if $(TAPE),--tape "$(TAPE)") $(if $(DATE),--date "$(DATE)") $(if $(SPEED),--speed "$(SPEED)") $(FLAGS)

demo-all: .venv/installed-demo ## every recorded session under a folder, a table and one JSON line [TAPES=folder FLAGS="--only 2026-06"]
	@exec $(CATALYST) demo-all --tapes "$(or $(TAPES),../shared/market)" $(FLAGS)

up: .venv/installed-demo ## the whole system on this machine, until Ctrl-C or `make down`
	@exec $(CATALYST) up $(FLAGS)

dev: .venv/installed-demo ## the same, and one service starts again whenever its source changes [SERVICE=scanner]
	@$(if $(SERVICE),,echo "which service? make dev SERVICE=scanner" >&2; exit 2)
	@exec $(CATALYST) up --reload "$(SERVICE)" $(FLAGS)

down: .venv/installed-demo ## stop what `make up` started
	@exec $(CATALYST) down $(FLAGS)

flatten: .venv/installed-demo ## close everything at the broker with .env and the network alone [FLAGS="--dry-run"]
	@exec $(RUN) -m scripts.flatten $(FLAGS)

paper-check: .venv/installed-demo ## what Alpaca really answers, on a paper account [FLAGS="--most-usd 50"]
	@exec $(CATALYST) paper-check $(FLAGS)

# --- checks ------------------------------------------------------------------------------------------------------------
test: lint types contracts unit ## every check: style, types, layers, tests

quick: .venv/installed-dev ## in a minute: style, types, and the tests that need no database and no server [ARGS="tests/scanner"]
	@$(MAKE) lint types
	@$(RUN) -m pytest -m pure -n $(or $(WORKERS),2) --hypothesis-profile=quick $(ARGS)

thorough: .venv/installed-dev ## every test, each property tried with 300 examples in place of 40 [ARGS="tests/scanner"]
	@$(RUN) -m pytest -n $(or $(WORKERS),2) --hypothesis-profile=thorough $(ARGS)

lint: .venv/installed-dev ## ruff
	@$(RUN) -m ruff check . && $(RUN) -m ruff format --check .

types: .venv/installed-dev ## mypy, strict
	@$(RUN) -m mypy .

contracts: .venv/installed-dev ## who may import whom
	@.venv/bin/lint-imports --no-cache

unit: .venv/installed-dev ## pytest, two workers [ARGS="tests/scanner -x"]
	@$(RUN) -m pytest -n $(or $(WORKERS),2) $(ARGS)

bench: .venv/installed-dev ## the benchmarks, one after the other
	@for file in benchmarks/bench_*.py; do echo "== $$file"; $(RUN) -m "$$(echo "$${file%.py}" | tr / .)" || exit 1; done

bench-stop: .venv/installed-dev ## the emergency stop: time to flat, requests beside a halted name, a close beside a hanging one
	@$(RUN) -m benchmarks.bench_stop

bench-catalyst: .venv/installed-dev ## catalyst types against labels by hand, by time and by type
	@$(RUN) -m benchmarks.news_catalyst

train-sentiment: .venv/installed-dev .venv/installed-training ## the news model anew from the labelled texts
	@$(RUN) -m scripts.models.train_sentiment

bench-sentiment: .venv/installed-dev .venv/installed-training ## sentiment on sources that the model never saw, calibration, headlines/s
	@$(RUN) -m benchmarks.news_sentiment

funnel-read: .venv/installed-dev ## the recorded days played through the services, top picks with every reason
	@$(RUN) -m benchmarks.funnel_read

bench-patterns: .venv/installed-dev ## drawn chart patterns found, and false alarms in random walks
	@$(RUN) -m benchmarks.pattern_detection

pattern-outcomes: .venv/installed-dev ## what chart patterns were worth on recorded days [FLAGS="--rows --symbols 500"]
	@$(RUN) -m benchmarks.pattern_outcomes $(FLAGS)

pattern-ranking: .venv/installed-dev ## whether anything a figure tells ranks names better than the pattern score, on recorded days
	@$(RUN) -m benchmarks.pattern_ranking

scanner-reach: .venv/installed-dev ## who reached the target within three hours of a scan on recorded days, by range
	@$(RUN) -m benchmarks.scanner_reach

technical-outcomes: .venv/installed-dev ## what the technical score was worth on recorded days
	@$(RUN) -m benchmarks.technical_outcomes

chaos: .venv/installed-dev ## kill trading and spoil the exchange's answers at every step [RUNS=n SEED=n AT_ONCE=n FLAGS=--by-step]
	@$(RUN) -m tests.faults.sweep --runs $(or $(RUNS),700) --seed $(or $(SEED),1) --at-once $(or $(AT_ONCE),3) $(FLAGS)

mutants: .venv/installed-dev ## put known mistakes into a copy of the code, and see that the tests notice each [ONLY=words AT_ONCE=n]
	@$(RUN) -m tests.mutants.run --only "$(ONLY)" --at-once $(or $(AT_ONCE),2)

containers-test: ## build the image, start everything under Docker Compose, run a scan; 77 where no engine can run
	@scripts/containers-test.sh

# --- upkeep ------------------------------------------------------------------------------------------------------------
lock: .venv/installed-dev ## write requirements/*.txt anew [FLAGS=--upgrade]
	@scripts/lock.sh $(FLAGS)

clean: ## remove the private databases, logs and caches
	@find .local -type l -name postgres -exec sh -c 'rm -rf "$$(dirname "$$(readlink "$$1")")"' - {} \; 2>/dev/null || true
	@rm -rf .local build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean ## and the virtual environment
	@rm -rf .venv
