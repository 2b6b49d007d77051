# Every target makes what it needs: a fresh clone runs `make demo` or `make test` at once.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# torch's own CUDA libraries: torch's metadata pins them on machines that get its CUDA build,
# so leaving them out of requirements.txt keeps a CPU build of torch installable from the same file.
TORCH_ONLY := cuda-bindings cuda-pathfinder cuda-toolkit nvidia-cublas nvidia-cuda-cupti nvidia-cuda-nvrtc \
              nvidia-cuda-runtime nvidia-cudnn-cu13 nvidia-cufft nvidia-cufile nvidia-curand nvidia-cusolver \
              nvidia-cusparse nvidia-cusparselt-cu13 nvidia-nccl-cu13 nvidia-nvjitlink nvidia-nvshmem-cu13 nvidia-nvtx triton

.PHONY: help install demo test lint format ui lock benchmarks clean

help:            ## what each target does
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:[^#]*##/ —/'

install: $(STAMP)  ## .venv with the exact set of requirements.txt

$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Python {v[0]}.{v[1]} found; 3.11, 3.12 or 3.13 is needed: make PYTHON=python3.12 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25"
	$(BIN)/python -m pip install --quiet -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: $(STAMP)   ## the whole workflow on Blue Marble imagery, offline, in minutes
	$(BIN)/g3 run demo

ui: $(STAMP)     ## Dagster's and MLflow's pages on localhost
	$(BIN)/g3 ui

lint: $(STAMP)   ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP) ## ruff, applied
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: lint       ## lint and every test
	$(BIN)/python -m pytest -n 2 --dist loadgroup

benchmarks: $(STAMP) ## the figures of the README, measured here
	$(BIN)/python -m pytest tests/benchmarks -m benchmark -s

lock: $(STAMP)   ## requirements.txt anew from pyproject.toml, for Python 3.11 to 3.13
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --extra dev --no-annotate \
	  $(foreach package,$(TORCH_ONLY),--no-emit-package $(package)) \
	  --custom-compile-command "make lock" pyproject.toml --output-file requirements.txt

clean:           ## remove .venv and the caches; data stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build *.egg-info
