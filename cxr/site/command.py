"""Commission a model at a site: test it on the site's own labelled X-rays before it answers there.

The pictures are a folder with the folders COVID and NonCOVID; a CSV table with the columns file, patient and label (and
view, sex, age where known); or, for DICOM files, a CSV table beside them with the columns file or accession, and label.
Written are profile.json, which the service reads, and report.html. docs/site.md explains both.

Exit status: 0 for use here, 1 not for use here, 2 nothing could be done, and a sentence says why.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from cxr.common.errors import CxrError
from cxr.site.limits import SiteLimits


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cxr site", description="A site: commissioned before a model answers there.")
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    adding = actions.add_parser(
        "commission",
        help="test a model on the site's own labelled X-rays",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    adding.add_argument("pictures", type=Path, metavar="FOLDER|CSV")
    adding.add_argument("--name", required=True, help="of the site")
    adding.add_argument("--model", required=True, help="a model's folder, or its name in the store, such as covid-cxr")
    adding.add_argument("--out", type=Path, required=True, metavar="DIR", help="for profile.json and report.html")
    adding.add_argument(
        "--patient", default="", metavar="REGEX", help="of class folders: finds the patient's id in a name"
    )
    for option, field, what in (
        ("--missed", "missed_among_unlikely", "of those called unlikely, the most that may be positive"),
        ("--false", "false_among_likely", "of those called likely, the most that may be negative"),
        ("--sensitivity", "sensitivity", "of the threshold, at least"),
        ("--confidence", "confidence", "that each limit holds"),
    ):
        usual = getattr(SiteLimits, field)
        adding.add_argument(
            option, type=float, dest=field, default=usual, metavar="SHARE", help=f"{what} (default: {usual})"
        )
    adding.add_argument(
        "--certify", type=float, default=1 / 3, metavar="SHARE", help="of the patients, to certify with"
    )
    adding.add_argument("--seed", type=int, default=0, help="of the parts (default: %(default)s)")
    adding.add_argument("--by", default="", help="who commissions (default: CXR_WHO, git's user, the login)")
    adding.add_argument("--key", type=Path, metavar="PEM", help="Ed25519 private key that signs the profile")
    return parser


def command(argv: Sequence[str]) -> int:
    """The exit status. Raises CxrError in one sentence."""
    wanted = _parser().parse_args(argv)
    try:
        import jinja2  # noqa: F401 - asked for before the work, not at its end
        import pydantic  # noqa: F401
        import scipy  # noqa: F401
    except ModuleNotFoundError as fault:
        raise CxrError(f"`cxr site` needs {fault.name}; pip install 'covid-cxr[train]'") from None
    return _commission(wanted)


def _commission(wanted: argparse.Namespace) -> int:
    from cxr.site.parts import Shares
    from cxr.site.run import Order, run

    limits = SiteLimits(**{field.name: getattr(wanted, field.name) for field in fields(SiteLimits)})
    shares = Shares(calibrate=1 - wanted.certify, certify=wanted.certify)
    order = Order(
        pictures=wanted.pictures,
        site=wanted.name,
        model=wanted.model,
        out=wanted.out,
        patient=wanted.patient,
        limits=limits,
        shares=shares,
        seed=wanted.seed,
        by=wanted.by,
        key=wanted.key,
    )
    profile = run(order, lambda said: sys.stderr.write(f"{said}\n"))
    sys.stdout.write(
        f"{profile.site}: {'for use here' if profile.verdict == 'for_use' else 'not for use here'}\n"
        + "".join(f"- {reason}\n" for reason in profile.reasons)
    )
    return 0 if profile.verdict == "for_use" else 1
