#!/bin/sh
# Starts one replica on the models that `tools/deliver.py` puts into $CHAMPION. Each replica has a BentoML home of its own,
# for BentoML counts requests in it; of the models it needs to read only.
set -eu
name="${CXR_MODEL:-covid-cxr:champion}"
name="${name%%:*}"
if [ ! -e "$CHAMPION/cxr-champions/$name" ]; then
  echo "waiting for the first champion of $name in $CHAMPION; \`make promote VERSION=…\` makes one"
  until [ -e "$CHAMPION/cxr-champions/$name" ]; do sleep "${WAIT_S:-5}"; done
fi
mkdir -p "$BENTOML_HOME"
ln -sfn "$CHAMPION/models" "$BENTOML_HOME/models"
ln -sfn "$CHAMPION/cxr-champions" "$BENTOML_HOME/cxr-champions"
exec bentoml serve service:CovidCxr --host "${HOST:-0.0.0.0}" --port "${PORT:-3000}"
