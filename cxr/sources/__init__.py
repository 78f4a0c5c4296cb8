"""Where X-rays come from: one file a source, and the index of what they bring.

Imports `common`, `imaging`, `data` and `networks` (for the file of an exported backbone). `base.Source` says what a
source must do; a new one is a file here and a line below. After `fetch` the code is the same for the public origin and
for a mirror: the folder has the layout of the original in both cases. A package beside `data`, so that a stage which
reads pixels does not run again because a downloader changed.
"""

from cxr.sources import (
    covid_chestxray,
    covid_image_repository,
    dicom_folder,
    folder,
    github_table,
    kaggle_pneumonia,
    phantom,
)
from cxr.sources.base import SOURCES, Candidate, Listing, Source, SourceDescription, SourceParams, register

register(covid_chestxray.SOURCE)
register(kaggle_pneumonia.SOURCE)
register(covid_image_repository.SOURCE)
register(github_table.SOURCE)
register(folder.SOURCE)
register(dicom_folder.SOURCE)
register(phantom.SOURCE)

__all__ = ["SOURCES", "Candidate", "Listing", "Source", "SourceDescription", "SourceParams", "register"]
