"""Where images come from: one file per source, one interface.

`base.Source` says what a source must do. After `fetch` the code is the same for the public origin and for a
mirror: the folder has the layout of the original in both cases.
"""

from typing import Any

from cxr.sources import covid_chestxray, folder, kaggle_pneumonia, phantom
from cxr.sources.base import Candidate, Listing, Source

SOURCES: dict[str, Source[Any]] = {
    "covid_chestxray": covid_chestxray.SOURCE,
    "kaggle_pneumonia": kaggle_pneumonia.SOURCE,
    "folder": folder.SOURCE,
    "phantom": phantom.SOURCE,
}

__all__ = ["SOURCES", "Candidate", "Listing", "Source"]
