"""The site that the model was commissioned for: its profile, read once at the start, and what the service tells."""

import os
from collections.abc import MutableMapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from cxr.inference.site_profile import SiteProfile
from cxr.inference.site_signature import verified_profile
from serving.errors import ServiceError, shared_words
from serving.settings import Settings, SettingsError

_OF_THE_START = "CXR_SITE_VERSION"  # no setting: the service sets it for its workers
_NOT_TOLD = ("model", "reference", "signature")  # GET /model says the first itself; the others are for programs


def site_of(settings: Settings) -> SiteProfile | None:
    """None where the service runs without one. Raises ProfileError or SettingsError, in one sentence."""
    if not settings.site:
        if settings.site_keys:
            raise SettingsError(
                "CXR_SITE_KEYS is set and CXR_SITE is not; name the profile that they sign, or unset it"
            )
        return None
    return verified_profile(Path(settings.site), settings.site_keys)


def keep_to(site: SiteProfile | None, environment: MutableMapping[str, str] = os.environ) -> None:
    """Hold every worker to the profile of the service's start: each reads the file at its own, and one that ended is
    started again. environment: of the process that starts the workers, who inherit it. Raises SettingsError where the
    file holds another profile by now."""
    if site is not None and environment.setdefault(_OF_THE_START, site.version) != site.version:
        raise SettingsError(
            "the file in CXR_SITE was replaced while the service runs; restart the service, so that all its workers "
            "answer by the new profile"
        )


def require_in_use(site: SiteProfile | None) -> None:
    """Raises ServiceError where the site's profile says that nothing is to be classified now."""
    withheld = None if site is None else site.withheld(date.today())
    if withheld is not None:
        # 403: the request is understood and will not be answered, however often it is sent.
        raise ServiceError(403, withheld, shared_words(withheld))


def site_facts(site: SiteProfile) -> dict[str, Any]:
    """What GET /model says of the site."""
    told = {name: value for name, value in asdict(site).items() if name not in _NOT_TOLD}
    signed_by = None if site.signature is None else site.signature.key
    return {**told, "profile": site.version, "signed_by": signed_by, "withheld": site.withheld(date.today())}
