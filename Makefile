# make setup | demo | test | test-full | bench | lint | lock | clean
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The first interpreter that is new enough, runs, and can make a virtual environment. PYTHON=... chooses another.
PYTHON ?= $(shell tools/find-python)
RUN := .venv/bin/python
STAMP := .venv/.made-from

.PHONY: help setup demo test test-full bench lint lock clean

help:
	@echo 'make setup   the environment in .venv/, with .venv/bin/quipux-provision'
	@echo 'make demo    the official process on this machine, for three invented institutions'
	@echo 'make test    every test layer; TEST="unit lint" chooses'
	@echo 'make test-full  the same, and the slow tests of whole installations'
	@echo 'make bench   measure, and write benchmarks/results.json'
	@echo 'make lint    the lint layer alone'
	@echo 'make lock    resolve requirements.lock again'
	@echo 'make clean   remove what make made'

setup: $(STAMP)

$(STAMP): pyproject.toml requirements.lock tools/make-venv quipux_provision/ansible/collections.json
	@test -n '$(PYTHON)' || { \
	  echo 'ERROR: no Python 3.11 or newer with venv and ensurepip was found' >&2; \
	  echo 'HINT: install one (on Debian: apt-get install python3-venv), or give it: make setup PYTHON=/path/to/python3' >&2; \
	  exit 2; }
	@tools/make-venv '$(PYTHON)' .venv
	@touch $@

demo: setup
	@$(RUN) examples/demo/demo.py

test: setup
	@$(RUN) tools/test.py $(TEST)

test-full: export QUIPUX_TEST_FULL := 1
test-full: test

bench: setup
	@$(RUN) benchmarks/bench.py

lint: setup
	@$(RUN) tools/test.py lint

# Not after setup: that wants the lock which is made here.
lock:
	@test -x .venv/bin/uv || $(MAKE) setup
	@.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --upgrade \
	  --generate-hashes --no-emit-index-url --custom-compile-command 'make lock' \
	  --extra demo --extra dev --output-file requirements.lock pyproject.toml
	@echo 'requirements.lock is resolved'

clean:
	rm -rf .venv .venv-* .collections .cache .demo .ansible build dist tests/output *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
