"""The champion in BentoML's model store, where the service finds it: whole models, and a file that names one.

BentoML's own `latest` is whatever was stored last. The champion is what `cxr-champions/<model>` in the store's folder
names (cxr/inference/model_store.py reads it). That file changes in one step, and only after the model that it names is
whole.
"""

import filecmp
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bentoml
from bentoml.exceptions import BentoMLException
from yaml import YAMLError

from cxr.common.atomic_files import sha256_of, write_text
from cxr.common.errors import ModelError
from cxr.inference.bundle import copy_bundle
from cxr.inference.model_facts import ModelFacts
from cxr.inference.model_store import CHAMPION, FACTS, champion_tag, home, pointer

NAME = re.compile(r"[a-z0-9]([-._a-z0-9]*[a-z0-9])?")  # BentoML's; no way out of the store's folder
# Tags of a version that the model's metadata has too, and what each is.
TOLD: Mapping[str, type] = {"validation_auc": float, "git_commit": str, "data_sha256": str, "split_sha256": str}
# What BentoML lets through where its facts about a model are damaged; a group is what cattrs raises.
UNREADABLE = (BentoMLException, OSError, ValueError, LookupError, TypeError, YAMLError, ExceptionGroup)


def resolved(tag: str) -> str:
    """`tag` itself, or for `name:champion` the tag that it stands for now. Raises ModelError, as `champion_tag`."""
    name, _, version = tag.partition(":")
    if not NAME.fullmatch(name):
        raise ModelError(f"CXR_MODEL is {tag!r}; it takes name:version, the name of a-z, 0-9, '-', '_' and '.'")
    return champion_tag(name) if version == CHAMPION else tag


def publish(bundle: Path, model: str, number: int) -> None:
    """Make `model:champion` this bundle; number: of the version in MLflow's registry."""
    point(model, put(bundle, model, number))


def put(bundle: Path, model: str, number: int, tags: Mapping[str, str] | None = None) -> str:
    """Store the bundle, unless these very files are there; its tag. What is served now stays as it is.

    tags: the version's in MLflow's registry; `bentoml models get` shows those of TOLD beside what model.json says. The
    tag is `model:v<number>`; where that is served now and holds other files, a hash of the new ones is added.
    """
    _remove_halves(model)
    digest = sha256_of(bundle / "model.json")
    versions = (f"v{number}", f"v{number}-{digest[:12]}")
    for version in versions:
        if _same(bundle, _folder(model, version)):
            return f"{model}:{version}"
    served = _served_version(model)
    version = next(version for version in versions if version != served)
    shutil.rmtree(_folder(model, version), ignore_errors=True)
    facts = ModelFacts.read(bundle / "model.json")
    labels = {"mlflow_version": str(number), "model_json_sha256": digest, **_labels(facts)}
    with bentoml.models.create(f"{model}:{version}", labels=labels, metadata=_metadata(facts, tags or {})) as stored:
        copy_bundle(bundle, Path(stored.path))
    return f"{model}:{version}"


def _labels(facts: ModelFacts) -> dict[str, str]:
    """What models are chosen by."""
    return {"backbone": facts.backbone, "shortcut_flagged": str(facts.shortcut_flagged).lower()}


def _metadata(facts: ModelFacts, tags: Mapping[str, str]) -> dict[str, Any]:
    """What a person wants to know before serving it. Absent where nobody measured or recorded it."""
    unseen = ((facts.document.get("unseen") or {}).get("unseen_auc")) or {}
    measured = {
        f"unseen_auc{end}": unseen.get(name) for end, name in (("", "value"), ("_low", "low"), ("_high", "high"))
    }
    told = {name: read(tags[name]) for name, read in TOLD.items() if name in tags}
    known = {"model_version": facts.version, "threshold": facts.threshold, **told, **measured}
    return {name: value for name, value in known.items() if value is not None}


def point(model: str, tag: str) -> None:
    """Make `model:champion` mean `tag`, a whole model; then remove what `put` stored under the same number before."""
    find(tag)  # raises where it is not whole
    write_text(tag + "\n", pointer(model))
    version = tag.partition(":")[2]
    number = version.partition("-")[0]
    stored_by_us = re.compile(rf"{re.escape(number)}(-[0-9a-f]{{12}})?")  # and not what a person named v3-mine
    for folder in _folder(model, "").iterdir():
        if folder.is_dir() and stored_by_us.fullmatch(folder.name) and folder.name != version:
            shutil.rmtree(folder)


def find(tag: str) -> Path:
    """The folder of the model that `tag` means. Raises ModelError where the store has no such model, or half of it."""
    wanted = resolved(tag)
    try:
        stored = bentoml.models.get(wanted)
    except UNREADABLE as fault:
        raise _unknown(wanted, (str(fault).strip().splitlines() or [type(fault).__name__])[0][:200]) from None
    if _is_another(wanted.partition(":")[2], str(stored.tag.version)):
        raise _unknown(wanted, f"but {stored.tag}")
    return Path(stored.path)


def _unknown(tag: str, why: str) -> ModelError:
    return ModelError(
        f"the BentoML store in {home()} has no model {tag} ({why}); run `make promote VERSION=…`, or name a stored "
        "model in CXR_MODEL"
    )


def _is_another(asked: str, found: str) -> bool:
    """BentoML takes the start of a version for the whole: asked for v1, it gives v10 where that is the only one."""
    return re.fullmatch(r"v\d+", asked) is not None and found.partition("-")[0] != asked


def _folder(model: str, version: str) -> Path:
    return home() / "models" / model / version


def _served_version(model: str) -> str:
    try:
        return champion_tag(model).partition(":")[2]
    except ModelError:
        return ""


def _same(bundle: Path, folder: Path) -> bool:
    """Whether `folder` is a whole model with the bundle's files, byte for byte."""
    if not (folder / FACTS).is_file():
        return False
    names = {path.name for path in bundle.iterdir() if path.is_file()}
    stored = {path.name for path in folder.iterdir()} - {FACTS}
    if not stored <= names or not stored:
        return False
    return not any(filecmp.cmpfiles(bundle, folder, names, shallow=False)[1:])


def _remove_halves(model: str) -> None:
    """BentoML refuses to store, to list and to delete beside a folder without its facts, or with damaged ones."""
    models = _folder(model, "")
    for folder in models.iterdir() if models.is_dir() else ():
        if folder.is_dir() and not _readable(f"{model}:{folder.name}"):
            shutil.rmtree(folder)


def _readable(tag: str) -> bool:
    """Raises ModelError where the disk or the system does not let us look: nothing is deleted for that."""
    try:
        bentoml.models.get(tag)
    except OSError as fault:
        if isinstance(fault, FileNotFoundError):
            return False
        raise ModelError(f"the BentoML store's {tag} cannot be read now ({fault}); try again") from None
    except UNREADABLE:
        return False
    return True
