.DELETE_ON_ERROR:
export UV_PYTHON_DOWNLOADS = never
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --override requirements/override.in

.PHONY: demo test test-slow test-all install check format locks bench-match crash bench-delivery bench-voice clean

demo: install
	$(BIN)/linxun demo

test: install
	$(BIN)/pytest -q -n auto --dist loadfile -m "not slow"

# one after the other: what kills processes and fills queues wants the machine for itself
test-slow: install
	$(BIN)/pytest -q -m slow

test-all: test test-slow

install: $(VENV)/.installed

$(VENV)/.installed: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements/dev.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_house.py
	$(UV) pip check --quiet --python $(BIN)/python

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# one process on one core; QUICK=1 stops at 100,000 facts, DATA names the folder of evaluation sets
bench-match: $(VENV)/.bench
	$(BIN)/python benchmarks/match_bench.py $(if $(DATA),--data $(DATA)) $(if $(filter 1,$(QUICK)),--quick)

# provider, workers and peers are processes on loopback; QUICK=1 ends within four minutes
bench-delivery: $(VENV)/.bench
	$(BIN)/python benchmarks/delivery_bench.py $(if $(filter 1,$(QUICK)),--quick)

# DELIVERIES (2000), SEED (1), DATABASE (sqlite or postgresql); QUICK=1 ends within four minutes
crash: install
	$(BIN)/python benchmarks/crash.py $(if $(DELIVERIES),--deliveries $(DELIVERIES)) $(if $(SEED),--seed $(SEED)) $(if $(DATABASE),--database $(DATABASE)) $(if $(filter 1,$(QUICK)),--quick)

# calls SIPp on loopback where it is installed; QUICK=1 ends within four minutes
bench-voice: install
	$(BIN)/python benchmarks/voice_bench.py $(if $(filter 1,$(QUICK)),--quick)

$(VENV)/.bench: $(VENV)/.installed requirements/bench.txt
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/bench.txt
	touch $@

# what override.in turns off is resolved all the same, so its stanzas are dropped afterwards
locks: $(VENV)/.installed
	$(COMPILE) pyproject.toml -o requirements/run.txt
	$(COMPILE) --extra dev -c requirements/run.txt pyproject.toml -o requirements/dev.txt
	$(COMPILE) --extra bench -c requirements/dev.txt pyproject.toml -o requirements/bench.txt
	for f in run dev bench; do awk '/^[^ #]/ { keep = !/never/ } keep' requirements/$$f.txt > requirements/$$f.tmp && mv requirements/$$f.tmp requirements/$$f.txt; done

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
