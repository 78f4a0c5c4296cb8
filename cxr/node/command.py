"""`cxr node --config node.yaml` runs the node; `cxr node retry --config node.yaml` takes the dead letters up again.

`cxr node outcomes results.csv --config node.yaml` turns outcomes of studies or images into outcomes of answers."""

import argparse
import ctypes
import logging
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from cxr.node.network import missing

ARENAS = 2
M_ARENA_MAX = -8  # glibc's malloc.h


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cxr node", description=__doc__)
    parser.add_argument(
        "action",
        nargs="?",
        choices=("run", "check", "retry", "fetch", "outcomes"),
        default="run",
        help="run: until a stop signal (the default); check: read the configuration only; retry: try the dead letters "
        "again, also while the node runs; fetch: have a node search the archives that it fetches from, now or when it "
        "starts; outcomes: print the table that `cxr feedback` takes",
    )
    parser.add_argument(
        "results", nargs="?", type=Path, help="with outcomes: a CSV table with the columns study or sop, and outcome"
    )
    parser.add_argument("--config", type=Path, required=True, help="node.yaml, as docs/node.md explains it")
    parser.add_argument("--destination", default="", help="with retry: of this destination only")
    parser.add_argument("--source", default="", help="with fetch: this source only")
    return parser


def command(argv: Sequence[str]) -> int:
    """Exit status: 0 where it stopped as asked, 1 where some outcomes have no answer. Raises CxrError."""
    parser = _parser()
    wanted = parser.parse_args(argv)
    if (wanted.action == "outcomes") != (wanted.results is not None):
        parser.error("a table of results goes with `outcomes`, and `outcomes` with a table")
    _log_only_the_node()
    try:
        from cxr.node.settings import load_node
    except ModuleNotFoundError as fault:
        raise missing(fault) from None
    settings = load_node(wanted.config)
    if wanted.action == "check":
        sys.stdout.write(
            f"{wanted.config}: {len(settings.sources)} sources, {len(settings.destinations)} destinations\n"
        )
        return 0
    if wanted.action == "outcomes":
        from cxr.node.outcome_ids import write_answers

        return 0 if write_answers(Path(settings.folder), wanted.results, sys.stdout, sys.stderr) else 1
    _use_few_arenas()
    from cxr.node.fetching import order
    from cxr.node.run import retry, serve

    if wanted.action == "fetch":
        names = order(Path(settings.folder), settings.sources, wanted.source)
        sys.stdout.write(f"asked to search: {', '.join(names)}\n")
    elif wanted.action == "retry":
        sys.stdout.write(retry(settings, wanted.destination) + "\n")
    else:
        serve(settings)
    return 0


def _log_only_the_node() -> None:
    """The libraries stay silent: what they log and warn of quotes what a header says."""
    logging.basicConfig(level=logging.CRITICAL + 1, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("cxr.node").setLevel(logging.INFO)
    warnings.simplefilter("ignore")


def _use_few_arenas() -> None:
    """glibc keeps freed memory of every thread; each association has two threads of its own."""
    choose = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None  # musl has none
    if choose is not None:
        choose(M_ARENA_MAX, ARENAS)
