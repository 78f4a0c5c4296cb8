"""Where BentoML's store keeps the models, read without BentoML, so that a script needs no web framework.

The champion is what the file `cxr-champions/<model>` in the store's folder names; serving/store.py writes it.
"""

import os
import re
from pathlib import Path

from cxr.common.errors import ModelError

CHAMPION = "champion"  # the version in a tag that means the file's
FACTS = "model.yaml"  # BentoML writes it; a folder without it was left by a killed process
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


def home() -> Path:
    """The folder of BentoML's stores, as BentoML finds it."""
    given = os.environ.get("BENTOML_HOME")
    return Path(given) if given else Path.home() / "bentoml"  # a container's user may have no home


def pointer(model: str) -> Path:
    """The file that holds the champion's tag."""
    return home() / "cxr-champions" / model


def champion_tag(model: str) -> str:
    """The tag of the champion, such as `covid-cxr:v3`. Raises ModelError where none is named."""
    path = pointer(model)
    try:
        tag = path.read_bytes().decode("ascii").strip()
    except FileNotFoundError:
        raise ModelError(
            f"the BentoML store in {home()} has no champion of {model}; run `make promote VERSION=…`, or set CXR_MODEL "
            f"to a model that was stored by hand, such as {model}:latest"
        ) from None
    except (OSError, UnicodeDecodeError) as fault:
        raise ModelError(f"{path} cannot be read ({fault}); run `make promote VERSION=…` again") from None
    name, _, version = tag.partition(":")
    if name != model or not version or "/" in version:
        raise ModelError(f"{path} names {tag[:80]!r}, no version of {model}; run `make promote VERSION=…` again")
    return tag


def stored_bundle(tag: str) -> Path:
    """The folder of a model in the store. tag: `name`, which means `name:champion`, or `name:version`.

    Raises ModelError where the store has no such model, or half of it.
    """
    name, _, version = tag.partition(":")
    if not _NAME.fullmatch(name) or (version and not _NAME.fullmatch(version)):
        raise ModelError(
            f"{tag!r} is neither a folder with a model.json nor a name of the BentoML store, such as covid-cxr or "
            "covid-cxr:v3, nor one of MLflow's registry, such as models:/covid-cxr@champion"
        )
    if version in ("", CHAMPION):
        version = champion_tag(name).partition(":")[2]
    folder = home() / "models" / name / version
    if not (folder / FACTS).is_file():
        known = sorted(path.parent.name for path in folder.parent.glob(f"*/{FACTS}"))
        raise ModelError(
            f"the BentoML store in {home()} has no {name}:{version}; of {name} it has {known or 'nothing'}"
        )
    return folder
