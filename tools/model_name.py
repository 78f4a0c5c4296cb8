"""Print the name under which a workspace registers its models, for `make serve`."""

import sys
from pathlib import Path

import yaml

print(yaml.safe_load((Path(sys.argv[1]) / "params.yaml").read_text(encoding="utf-8"))["register"]["model"])
