# Sketch2Pose. `make` or `make help` lists the targets; CONTRIBUTING.md explains them.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# The Blender for the demo and for `make test-blender`, and the Python that its wheel is built for.
PYTHON_OF_BLENDER_4.2 := 3.11
PYTHON_OF_BLENDER_4.5 := 3.11
PYTHON_OF_BLENDER_5.0 := 3.11
PYTHON_OF_BLENDER_5.2 := 3.13
BPY ?= $(if $(shell tools/find_python.sh 3.11 2>/dev/null),4.5,5.2)
# `make extension PYTHON=3.14` names the Python of a Blender to test in, not the one to build with.
TEST_ONLY := $(filter 3.%,$(PYTHON))
ifneq ($(TEST_ONLY),)
override PYTHON :=
endif
export PYTHON

VENV := .venv
RUN := $(VENV)/bin/python
BLENDER_VENV = .venv-blender-$(BPY)
BLENDER_RUN = $(BLENDER_VENV)/bin/python
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
OUT := out/demo
SKETCHES ?= examples
MINUTES ?= 10

.PHONY: help demo setup test lint typecheck results test-all soak bench test-blender test-gui guide-pictures extension repository clean

help: ## list the targets
	@echo "Sketch2Pose: make TARGET"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16 | sed 's/^/  /'

demo: $(VENV)/.runtime blender ## pose the drawings in examples/ and write out/demo, with a Blender scene
	$(RUN) -m backend pose examples examples/storyboard --out $(OUT)
	$(BLENDER_RUN) tools/demo_scene.py $(OUT)/poses.json --out $(OUT)/demo.blend --render $(OUT)/demo.png
	@echo
	@echo "Written to $(OUT): poses.json, one overlay PNG a drawing, demo.blend (open it in Blender) and demo.png."

setup: $(VENV)/.development ## install what the tests, the linter and training need

test: setup ## install, then run all tests but the slow, gpu, gui and blender ones
	$(RUN) -m pytest -m "not slow and not gpu and not gui and not blender"

lint: setup ## check style and formatting
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

typecheck: setup ## check types
	$(RUN) -m pyright

results: setup ## measure accuracy and time, write docs/results.md; SKETCHES="FOLDER ..." for other labelled drawings
	$(RUN) -m training evaluate --sketches $(SKETCHES) --synthetic 512 --pages 200 --mediapipe --out docs/results.md

test-all: setup ## all the tests that this machine can run: the slow ones, every Blender, and a window with BLENDER=/path/to/blender
	$(RUN) -m pytest -m "not gpu and not gui and not blender"
	for version in 4.2 4.5 5.0 5.2; do $(MAKE) test-blender BPY=$$version; done
	$(if $(BLENDER),$(MAKE) test-gui BLENDER=$(BLENDER))

soak: setup ## ask the pose program for good and bad things without end: make soak MINUTES=10
	SKETCH2POSE_SOAK_MINUTES=$(MINUTES) $(RUN) -m pytest -s -m soak

bench: setup ## times beside MediaPipe Pose in the same run; POSES=POSES.npz: and what drawings cost, style by style
	$(RUN) -m training evaluate --sketches $(SKETCHES) --mediapipe --time
	$(if $(POSES),$(RUN) -m training dataset bench --poses $(POSES))

test-blender: blender ## run the Blender tests on one version: make test-blender BPY=4.2 (4.5, 5.0, 5.2)
	tools/test_blender.sh $(BLENDER_RUN)

test-gui: setup ## run the tests that drive a real Blender window: make test-gui BLENDER=/path/to/blender
	@[ -x "$(BLENDER)" ] || { echo "Name a Blender: make test-gui BLENDER=/path/to/blender" >&2; exit 1; }
	SKETCH2POSE_BLENDER=$(BLENDER) $(RUN) -m pytest -m gui tests/gui

guide-pictures: test-gui ## the same, and make the guide's pictures of the screenshots: make guide-pictures BLENDER=/path/to/blender
	$(RUN) tools/guide_pictures.py

extension: blender ## build dist/sketch2pose-VERSION-PLATFORM.zip; PLATFORM=windows-x64 or macos-arm64 for another
	$(BLENDER_RUN) tools/build_extension.py --out dist $(if $(PLATFORM),--platform $(PLATFORM)) $(if $(TEST_ONLY),--python $(TEST_ONLY))

repository: blender ## build the zips of all platforms and dist/index.json, from which Blender installs and updates
	$(BLENDER_RUN) tools/build_extension.py --out dist --repository

clean: ## remove what make has built or installed
	rm -rf .venv .venv-blender-* out dist build *.egg-info .pytest_cache .ruff_cache .hypothesis

$(VENV)/.runtime: pyproject.toml constraints.txt
	@$(RUN) -m pip --version >/dev/null 2>&1 || { python=$$(tools/find_python.sh 3.11 3.13 3.12) && "$$python" -m venv --clear $(VENV); }
	@echo "Installing NumPy, ONNX Runtime, Pillow and psd-tools into $(VENV) ..."
	@$(RUN) $(PIP_INSTALL) --editable .
	@touch $@

$(VENV)/.development: $(VENV)/.runtime
	@echo "Installing the development tools and PyTorch into $(VENV) ..."
	@$(RUN) $(PIP_INSTALL) --editable '.[pdf,train,ray,smplx,dev]'
	@touch $@

.PHONY: blender
blender: # Blender of version BPY, as the bpy wheel, in its own environment
	@$(if $(PYTHON_OF_BLENDER_$(BPY)),,echo "BPY=$(BPY) is not known; give 4.2, 4.5, 5.0 or 5.2." >&2; exit 1)
	@$(MAKE) $(BLENDER_VENV)/.installed

.venv-blender-%/.installed: pyproject.toml constraints.txt
	@.venv-blender-$*/bin/python -m pip --version >/dev/null 2>&1 \
	    || { python=$$(tools/find_python.sh $(PYTHON_OF_BLENDER_$*)) && "$$python" -m venv --clear .venv-blender-$*; }
	@.venv-blender-$*/bin/python tools/check_system_libraries.py
	@echo "Installing Blender $* into .venv-blender-$* ..."
	@.venv-blender-$*/bin/python $(PIP_INSTALL) --editable . 'bpy==$*.*' pytest hypothesis jsonschema
	@touch $@
