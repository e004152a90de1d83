# make demo   trains three models on the shipped corpus, scores and compares them
# make test   lint, types and tests
# make slow   the tests that take longest: exports to ONNX and the hub, a server's memory, restarts by
#             torchrun; with ONNXRUNTIME_WEB=FOLDER (dist of that npm package) the exported page too
# make audit  asks PyPI for known weaknesses of what is pinned; reports, and never fails
#
# Both make .venv on first use, with the first of these that is Python 3.11 to 3.14; or say which:
# make demo PYTHON=/path/to/python3.14

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3.14 python3,$(shell \
	$(name) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' \
	2>/dev/null && echo $(name))))
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
READY := .venv/.installed
MODELS := lstm lstm_bahdanau transformer
RUNS := $(MODELS:%=runs/demo-small_%-s1)

empty :=
comma := ,
listed = $(subst $(empty) ,$(comma),$(strip $(1)))

.PHONY: demo test slow audit

demo: $(READY)
	@echo "Which architecture translates best at which sentence length, and what is attention for?"
	$(BIN)/nmt-train -m experiment=demo model=$(call listed,$(MODELS:%=small/%)) resume=auto jobs=2
	$(BIN)/nmt-evaluate -m run=$(call listed,$(RUNS)) test=test search=greedy jobs=2
	$(BIN)/nmt-compare runs=[$(call listed,$(RUNS))] evaluation=test
	$(BIN)/python -m scripts.demo_answer $(RUNS)

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto --dist worksteal

slow: $(READY)
	$(BIN)/python -m pytest -m slow

audit:
	test -x .venv/.audit/bin/pip-audit || { $(PYTHON) -m venv .venv/.audit && \
		timeout 40 .venv/.audit/bin/pip install --quiet --timeout 10 --retries 0 pip-audit; } || true
	-timeout 20 .venv/.audit/bin/pip-audit --no-deps --disable-pip -r .requirements.lock

$(READY): .requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 to 3.14 found: make PYTHON=..." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) install --quiet --constraint .requirements.lock torch
	$(PIP) install --quiet --requirement .requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	touch $@
