"""Kaggle's download call, through kagglehub's client: it finds the credentials and knows the protocol.

The bytes come through `transfer`, not through kagglehub's own downloader: that one has no time-out on its
first request, does not look at the status of a resumed one before it appends, and unpacks everything,
the nested second copy included, into a cache of its own.
"""

import contextlib
import sys
from typing import TYPE_CHECKING, Any

from cxr.common.errors import SourceError
from cxr.sources.http.transfer import MIRROR_HINT, Opener, Patience, RefusedError

if TYPE_CHECKING:
    import requests

OWNER = "paultimothymooney"
DATASET = "chest-xray-pneumonia"
_TOKEN = "a token from kaggle.com/settings/api in KAGGLE_API_TOKEN or in ~/.kaggle/access_token"  # noqa: S105


def dataset_opener(version: int, what: str, patience: Patience) -> Opener:
    """Ask Kaggle for the dataset's address in its storage, which is good for some minutes only, and open it.

    what: names the file in messages.
    """

    def open_dataset(headers: dict[str, str]) -> "requests.Response":
        import requests

        response = _ask(version, what, patience)
        if "Range" not in headers:
            return response
        response.close()
        return requests.get(response.url, headers=headers, stream=True, timeout=patience.timeout_s)

    return open_dataset


def _ask(version: int, what: str, patience: Patience) -> "requests.Response":
    """The answer to Kaggle's DownloadDataset call, redirected to the storage, body not read yet."""
    import requests
    from kagglehub.clients import build_kaggle_client
    from kagglesdk.datasets.types.dataset_api_service import (  # type: ignore[import-untyped]
        ApiDownloadDatasetRequest,
    )

    request = ApiDownloadDatasetRequest()
    request.owner_slug = OWNER
    request.dataset_slug = DATASET
    request.dataset_version_number = version
    has_credentials = _has_credentials(what)
    try:
        # kagglehub may print that a newer version of it exists; standard output is the stage's.
        with contextlib.redirect_stdout(sys.stderr), build_kaggle_client() as client:
            _set_timeout(client.http_client()._session, patience)  # it offers no public way
            return client.datasets.dataset_api_client.download_dataset(request)
    except requests.HTTPError as fault:
        raise _refused(fault.response, has_credentials, version) from None


def _has_credentials(what: str) -> bool:
    from kagglehub.config import get_kaggle_credentials

    try:
        credentials = get_kaggle_credentials()
    except ValueError as fault:
        raise SourceError(f"{what}: {fault}; mend or remove it, or put {_TOKEN}") from None
    if credentials is None:
        return False
    secrets = (credentials.username, credentials.key, credentials.api_key)
    if not all(secret.isascii() and secret.isprintable() for secret in secrets if secret):
        raise SourceError(f"{what}: the Kaggle credentials hold a line break or a letter that none has; put {_TOKEN}")
    return True


def _set_timeout(session: "requests.Session", patience: Patience) -> None:
    from requests.adapters import HTTPAdapter

    class Timed(HTTPAdapter):
        def send(self, request: Any, **options: Any) -> "requests.Response":  # type: ignore[override]
            return super().send(request, **{**options, "timeout": patience.timeout_s})

    session.mount("https://", Timed())
    session.mount("http://", Timed())


def _refused(response: "requests.Response", has_credentials: bool, version: int) -> RefusedError:
    """Kaggle's service may write its status into a JSON body under HTTP 200."""
    status = response.status_code
    if status < 400:
        status = int(response.json()["code"])
    advice = {404: f"check that {OWNER}/{DATASET} has a version {version} (params.yaml)"}
    if status in (401, 403) and not response.history:  # after a redirect it is the storage that refuses
        advice[status] = _credential_advice(has_credentials)
    return RefusedError(status, response.headers.get("Retry-After"), advice.get(status, ""))


def _credential_advice(has_credentials: bool) -> str:
    if has_credentials:
        return f"Kaggle does not accept the credentials that it was sent: put {_TOKEN}, {MIRROR_HINT}"
    return f"Kaggle asks for credentials and none were found: put {_TOKEN}, {MIRROR_HINT}"
