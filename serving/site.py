"""The site that the model was commissioned for: its profile, read once at the start, and what the service tells."""

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from cxr.inference.site_profile import SiteProfile, read_profile
from cxr.inference.site_signature import check_signature
from serving.errors import ServiceError, shared_words
from serving.settings import Settings, SettingsError

_NOT_TOLD = ("model", "reference", "signature")  # GET /model says the first itself; the others are for programs


def site_of(settings: Settings) -> SiteProfile | None:
    """None where the service runs without one. Raises ProfileError or SettingsError, in one sentence."""
    if not settings.site:
        if settings.site_keys:
            raise SettingsError(
                "CXR_SITE_KEYS is set and CXR_SITE is not; name the profile that they sign, or unset it"
            )
        return None
    profile = read_profile(Path(settings.site))
    check_signature(profile, settings.site_keys, settings.site)
    return profile


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
    return {**told, "signed_by": signed_by, "withheld": site.withheld(date.today())}
