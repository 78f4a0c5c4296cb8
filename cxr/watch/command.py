"""Has the world changed since this site was commissioned? Takes what the service counted since the last look.

Exit status: 0 nothing has moved, 1 a statistic has moved, 2 nothing could be said.

Look as often as you like: in a world that does not change, an alarm comes on average at most once in 20,000 pictures.
docs/watch.md says more.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cxr.watch.look import look, mark_told, said_of
from cxr.watch.reference import Reference, read_reference
from cxr.watch.statistics import BY_NAME
from cxr.watch.store import Store
from cxr.watch.webhook import post

WEBHOOK = "CXR_WATCH_WEBHOOK"
SHOWN_BINS = 5  # of a statistic, before and after


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cxr watch", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", type=Path, required=True, metavar="FILE", help="what CXR_WATCH names")
    parser.add_argument(
        "--profile",
        type=Path,
        metavar="FILE",
        help="the site's profile, whose reference is compared with; without one, pictures are compared with all before",
    )
    parser.add_argument(
        "--without",
        nargs="+",
        choices=sorted(BY_NAME),
        default=[],
        metavar="NAME",
        help="statistics to compare with earlier pictures only, not with the profile: probability and triage, where "
        f"the commissioning chose the share of positives. One of {', '.join(BY_NAME)}",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--webhook",
        default=os.environ.get(WEBHOOK, ""),
        metavar="URL",
        help=f"post a new alarm there, as JSON; {WEBHOOK} keeps the address out of the list of processes",
    )
    parser.add_argument(
        "--restart",
        action="store_true",
        help="the change was looked at and is no fault: drop the alarms, and compare with what comes from now on",
    )
    return parser


def command(argv: Sequence[str]) -> int:
    """`cxr watch`. Raises CxrError in one sentence."""
    wanted = _parser().parse_args(argv)
    store = Store(wanted.store)
    reference = read_reference(wanted.profile, wanted.without) if wanted.profile else Reference.none()
    standing = look(store, reference, np.random.default_rng(), restart=wanted.restart)
    said = said_of(standing, store, reference, int(time.time() // 3600))
    sys.stdout.write(json.dumps(said, indent=2) + "\n" if wanted.json else text_of(said))
    sys.stdout.flush()
    if wanted.webhook and standing.untold:
        post(wanted.webhook, {"text": text_of(said), **said})
        mark_told(store, standing)
    return 1 if said["moved"] else 0


def text_of(said: Mapping[str, Any]) -> str:
    """What a look found, for people."""
    if not said["moved"]:
        strongest = max(said["evidence"], key=said["evidence"].get)
        return (
            f"watch: nothing has moved in {said['pictures']} pictures; most evidence: {strongest}, "
            f"{said['evidence'][strongest]:g} of {said['pictures_per_false_alarm']}\n"
        )
    return "".join(_lines_of(moved) for moved in said["moved"])


def _lines_of(moved: Mapping[str, Any]) -> str:
    devices = ", ".join(f"{name or 'no DICOM'} {number}" for name, number in moved["devices_since"].items())
    return (
        f"watch: {moved['statistic']} has moved since about {moved['since']} (alarm of {moved['alarm']}, "
        f"{moved['answers_since']} answers since)\n"
        f"  before: {_shown(moved['before'])}\n"
        f"  since:  {_shown(moved['after'])}\n"
        f"  from:   {devices}\n"
    )


def _shown(shares: Mapping[str, float]) -> str:
    most = sorted(shares, key=shares.__getitem__, reverse=True)[:SHOWN_BINS]
    kept = [f"{name} {100 * share:.0f} %" for name, share in shares.items() if name in most]
    rest = "" if len(shares) <= SHOWN_BINS else ", …"
    return ", ".join(kept) + rest if kept else "none"
