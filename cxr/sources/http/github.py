"""The archive of a GitHub repository at a commit."""

import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from cxr.common.errors import SourceError
from cxr.sources.http import archives
from cxr.sources.http.transfer import Download, Patience, url_opener

ARCHIVE_URL = "https://codeload.github.com/{repository}/zip/{revision}"
PATIENCE = Patience()


def fetch_repository(repository: str, revision: str, directory: Path, wanted: Callable[[PurePosixPath], bool]) -> None:
    """Bring the wanted files of a repository to `directory`, whole or not at all. Raises SourceError.

    repository: "owner/name". revision: a commit's id, or its beginning: 10 digits tell the commits of a repository
    apart, and the archive that comes says which commit it is of. wanted: is asked about paths in the repository.
    """
    what = f"{directory.name}: GitHub archive of revision {revision}"
    if not re.fullmatch("[0-9a-f]{10,40}", revision):
        raise SourceError(
            f"{what}: a revision is a commit's id of 40 hex digits, or its first 10 or more; correct it in params.yaml"
        )
    advice = {404: f"check `revision` in params.yaml against the commits of {repository}"}
    url = ARCHIVE_URL.format(repository=repository, revision=revision)
    job = Download(url_opener(url, PATIENCE), what, PATIENCE, advice)
    with archives.fetched(job, directory, f"{revision}.zip") as archive:
        commit = archives.comment_of(archive, what)
        if not commit.startswith(revision):
            raise archives.BadArchiveError(f"{what}: the archive that came is of {commit or 'no revision'}; run again")
        archives.unpack(archive, directory, lambda path: _place(path, wanted), what)


def _place(path: PurePosixPath, wanted: Callable[[PurePosixPath], bool]) -> PurePosixPath | None:
    """Without the top folder, which GitHub names after the commit."""
    inner = PurePosixPath(*path.parts[1:])
    return inner if inner.parts and wanted(inner) else None
