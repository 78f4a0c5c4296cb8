"""The section unseen of params.yaml."""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from cxr.common.config import STRICT


@dataclass(frozen=True, config=STRICT)
class UnseenParams:
    """enabled: False leaves the yardstick out, and the reports say that it was. seeds: how many times each fold trains,
    from `train.seed` on; fewer than 3 say little about chance."""

    section: ClassVar[str] = "unseen"
    enabled: bool
    seeds: Annotated[int, Field(ge=1, le=100)]
