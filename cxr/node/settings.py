"""node.yaml: the configuration of the node."""

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass, rebuild_dataclass

from cxr.common.config import STRICT, load_settings
from cxr.common.errors import ResultError
from cxr.dicom_results.options import ResultOptions
from cxr.node import (  # noqa: F401 - their kinds
    c_move_source,
    deliver_dicom,
    fhir_destination,
    receive,
    stow_destination,
    stow_source,
    wado_source,
)
from cxr.node.ask import AskSettings
from cxr.node.parts import DestinationSettings, SourceSettings
from cxr.node.receipt import NodeError
from cxr.node.rules import RuleSettings
from cxr.node.values import AeTitle, Count, Port


@dataclass(frozen=True, config=STRICT)
class StatusSettings:
    """Where /metrics, /livez and /readyz are."""

    host: str = "127.0.0.1"
    port: Port = 8090


@dataclass(frozen=True, config=STRICT)
class QueueSettings:
    """most_objects: that wait, above which nothing more is taken. least_free_mb: of the disk, below which nothing more
    is taken. keep_hours: how long the files of finished objects stay."""

    most_objects: Count = 20_000
    least_free_mb: Annotated[int, Field(ge=0)] = 1024
    keep_hours: Annotated[float, Field(ge=0, le=24 * 365)] = 24.0


@dataclass(frozen=True, config=STRICT)
class ResultSettings(ResultOptions):
    """The options, with their types checked when a file is read."""

    def __post_init__(self) -> None:
        try:
            super().__post_init__()
        except ResultError as fault:  # pydantic names the place of a ValueError
            raise ValueError(str(fault)) from None

    @property
    def explain(self) -> bool:
        """Whether the heat map is asked for."""
        return self.heatmap or self.presentation_state


@dataclass(frozen=True, config=STRICT)
class RetrySettings:
    """The wait after the n-th failure is first_s * 2 ** n, at most longest_s, times 0.5 to 1 by chance. Results that a
    destination rejected most_tries times, or could not be given for most_hours, become dead letters."""

    first_s: Annotated[float, Field(gt=0, le=3600)] = 2.0
    longest_s: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    most_tries: Annotated[int, Field(ge=1, le=1000)] = 8
    most_hours: Annotated[float, Field(gt=0, le=24 * 365)] = 72.0


@dataclass(frozen=True, config=STRICT)
class NodeSettings:
    """folder: of the queue, on a local disk. sources, destinations: by name, of any registered kind."""

    folder: Annotated[str, Field(min_length=1)]
    ask: AskSettings
    sources: dict[str, SourceSettings]
    destinations: dict[str, DestinationSettings]
    ae_title: AeTitle = "CXR_NODE"
    workers: Annotated[int, Field(ge=1, le=32)] = 2
    status: StatusSettings = StatusSettings()
    queue: QueueSettings = QueueSettings()
    rules: RuleSettings = RuleSettings()
    results: ResultSettings = ResultSettings()
    retry: RetrySettings = RetrySettings()

    @classmethod
    def adapter(cls) -> TypeAdapter[Any]:
        """Built anew, so that a kind which was registered just now is known."""
        rebuild_dataclass(cls, force=True)  # type: ignore[arg-type]
        return TypeAdapter(cls)

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("sources is empty; name at least one")
        wrong = [name for name in (*self.sources, *self.destinations) if not re.fullmatch(r"[a-z0-9_-]{1,32}", name)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no name for a part; take up to 32 of a-z, 0-9, '-' and '_'")


def load_node(path: Path) -> NodeSettings:
    """Raises ParamsError or NodeError, in one sentence that names the file and the key."""
    if not path.is_file():
        raise NodeError(f"{path} is not there; name the node's configuration with --config")
    return load_settings(NodeSettings, path)
