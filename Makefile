# What a newcomer types. Every target sets up what it needs by itself.
SHELL := /bin/bash
.DEFAULT_GOAL := help
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
# `setup` has synced already; asking again would cost a second each time.
RUN := $(UV) run --quiet --no-sync

# They measure how soon something happens: alone. Of the others, whole shops first, since they mostly wait.
ALONE := tests/integration/engine
# Faults of whole shops take minutes: they mostly wait, so they begin first, and are left to `make faults`. Those that
# wait for an answer come next: last of all they would keep one core idle for minutes. Each file by its name: pytest puts
# those of a folder that is named beside them in the folder's place.
WHOLE := tests/faults/test_processes.py tests/faults/test_prefect_dead.py tests/faults/test_second_worker.py tests/flows/test_two_workers.py
WAITING := tests/faults/test_unanswered.py
OTHERS := $(filter-out $(WHOLE) $(WAITING),$(sort $(wildcard tests/faults/test_*.py)))
FAULTS := $(RUN) pytest $(WHOLE) $(WAITING) $(OTHERS) -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: help setup demo demo-event market test test-fast test-peers faults faults-full bench lint types layers check lock machine clean

help:  ## What there is to do
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

.tools/bin/uv:
	@command -v python3 >/dev/null || { echo "Backroom needs Python 3.11 or newer: install it first."; exit 1; }
	@python3 -m venv .tools || { echo "python3 cannot make a virtual environment: on Debian, apt install python3-venv."; exit 1; }
	@.tools/bin/pip install --quiet --disable-pip-version-check "uv>=0.9"

setup: $(if $(shell command -v uv 2>/dev/null),,.tools/bin/uv)  ## Virtual environment with the pinned versions
	@$(UV) sync --quiet

machine: setup  ## What tests need of this machine: a virtual printer (where root or sudo allows it)
	@bash .ci/machine

demo: setup  ## The whole back room with a demo shop; Prefect's UI stays open until Ctrl-C
	@$(RUN) backroom demo

demo-event: setup machine  ## A night market of four hours in five minutes, over three real printers, and judged
	@$(RUN) python -m simulation.show

market: setup  ## 1,000 night markets of 200 orders, played in simulated time and judged (two hours on two cores)
	@$(RUN) python -m simulation --seeds 1000

test: setup machine  ## All tests: real printers, mail and PostgreSQL included
	@$(RUN) pytest -m "not peer and not whole" $(ALONE)
	@$(RUN) pytest -m "not peer and not whole" -n 3 --dist loadfile --no-loadscope-reorder --ignore=$(ALONE)

test-fast: setup  ## Only the tests that start nothing
	@$(RUN) pytest tests/unit

test-peers: setup machine  ## What needs Node, a browser or an SMS gateway; what of them was missing is said at the end
	@bash .ci/peers $(RUN) pytest -m peer -rs

faults: setup machine  ## Every fault of the table, with shortened clocks and samples
	@BACKROOM_FAULTS=faults $(FAULTS)

faults-full: setup machine  ## Every fault with real durations, at every commit, 300 kills: hours
	@BACKROOM_FAULTS=full $(FAULTS)

bench: setup machine  ## Backroom beside stock Prefect, DBOS, Celery and Restate, and each goal: a table, and benchmarks/results.json (an hour)
	@$(RUN) python -m benchmarks.bench

lint: setup  ## ruff
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .

types: setup  ## mypy, strict
	@$(RUN) mypy

layers: setup  ## import-linter, and a planted violation that it must find
	@$(RUN) lint-imports
	@$(RUN) python .ci/planted_violation.py

check: lint types layers  ## Everything that reads the code without running it

lock: setup  ## Resolve the newest versions that fit, and pin them in pyproject.toml
	@$(RUN) python .ci/pin.py

clean:  ## Remove what the other targets made
	rm -rf .venv .tools .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis .pictures .backroom
