# Everyday commands. Each sets up what it needs, in .venv, and is quick once that is there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PACKAGES := grammar automata native sampler

.PHONY: demo test lint bench

demo: $(READY)
	$(BIN)/detent demo

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile
	OMP_NUM_THREADS=1 NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest tests/native
	OMP_NUM_THREADS=1 NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -m nojit

# mypy reads the folders in the places where they are installed.
lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	rm -rf build/typecheck && mkdir -p build/typecheck/detent
	for path in detent/* $(PACKAGES); do ln -s ../../../$$path build/typecheck/detent/; done
	cd build/typecheck && ../../$(BIN)/mypy --config-file ../../pyproject.toml -p detent

# TOKENIZER=FOLDER takes another vocabulary, in Hugging Face form, than the bundled model's.
bench: $(READY)
	$(BIN)/python -m pip install -qq --constraint constraints.txt --editable '.[bench]'
	for file in steps maskbench grammars; do \
		OMP_NUM_THREADS=1 $(BIN)/python benchmarks/$$file.py $(addprefix --tokenizer ,$(TOKENIZER)) || exit 1; \
	done

# The constraints pin PyTorch: a release of one's own choice may bring gigabytes along.
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --constraint constraints.txt --editable '.[dev]'
	touch $@
