"""`cxr predict FILES… --out results.csv`: an answer about every picture."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from cxr.cli import table
from cxr.cli.faults import UnreadableError
from cxr.cli.inputs import Entry, entries_of
from cxr.cli.journal import Journal
from cxr.cli.reading import Reader, reader
from cxr.cli.side_files import SideFiles
from cxr.cli.table import Row
from cxr.common.atomic_files import replace_when_complete, sha256_of
from cxr.common.errors import CxrError, ImageError, UnsoundError
from cxr.common.parallel import bar
from cxr.common.paths import CHAMPION
from cxr.imaging.decode import decode
from cxr.inference.answer import answer
from cxr.inference.manifest import digest_of
from cxr.inference.precision import FASTEST_FIRST
from cxr.inference.predictor import Predictor
from cxr.inference.sentences import SENTENCES
from cxr.inference.site_profile import SiteProfile
from cxr.inference.site_signature import public_keys, verified_profile

ABOUT = """\
Answer about every picture: JPEG, PNG, WebP, HEIC, AVIF, BMP, TIFF and DICOM files; folders of them, as deep as they
go; ZIP archives; or a DICOMDIR. Every file gets one row, also one that cannot be read. Not a medical device.
"""
MORE = """\
exit status:
  0    every file has an answer; a refusal, such as of a lateral view, is one
  1    some files could not be read or answered: their state is "failed", `reason` and `message` say why
  2    nothing could be done, and a sentence says why: no such file, no model, a wrong option
  130  interrupted

With --out a run that is killed or interrupted continues when the same command is typed again: rows that are there are
not asked for again, and the table appears when it is whole. The columns are those of the web page's table.

examples:
  cxr predict picture.png
  cxr predict study-folder --out results.csv
  cxr predict studies.zip /media/cdrom/DICOMDIR --out results.parquet
  cxr predict study-folder --out results.csv --explain heat-maps --sr reports
  cxr predict study-folder --format json | head -1
"""
NO_ROOT = "2.25"
KEYS_VARIABLE = "CXR_SITE_KEYS"


def add_to(commands: Any) -> None:
    """commands: the subparsers of `cxr`."""
    predict = commands.add_parser(
        "predict",
        help="classify pictures, folders, ZIP archives or a DICOMDIR into a table",
        description=ABOUT,
        epilog=MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    predict.add_argument("files", nargs="+", type=Path, metavar="FILES")
    predict.add_argument("--out", type=Path, help="file of the table; without it the table goes to standard output")
    predict.add_argument(
        "--format", choices=table.FORMATS, help="of the table; json has a row on each line (default: by --out's name)"
    )
    predict.add_argument("--explain", type=Path, metavar="DIR", help="write heat maps over the pictures there, as PNG")
    predict.add_argument("--sr", type=Path, metavar="DIR", help="write DICOM structured reports of DICOM files there")
    predict.add_argument("--uid-root", default=NO_ROOT, help="for the reports' UIDs (default: %(default)s, by UUID)")
    predict.add_argument("--model", type=Path, default=CHAMPION, help="folder of a model (default: %(default)s)")
    predict.add_argument("--site", type=Path, metavar="PROFILE", help="answer by this site profile")
    predict.add_argument(
        "--site-keys", metavar="KEYS", help=f"public keys of which one must have signed it (default: {KEYS_VARIABLE})"
    )
    predict.add_argument(
        "--precision",
        choices=["auto", *FASTEST_FIRST],
        default="auto",
        help="of the trunk; auto, as in the service: the fastest that was measured to answer the same",
    )
    predict.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """The exit status."""
    out = arguments.out
    if out is not None and out.is_dir():
        raise CxrError(f"--out {out} is a folder; name a file for the table")
    kind = table.format_of(arguments.format, out)
    site = _site(arguments)
    # One picture at a time, on all cores.
    model = Predictor.load(arguments.model, precision=arguments.precision, latency=True)
    named = _named(model, arguments.model)
    beside = SideFiles(arguments.explain, arguments.sr, named, arguments.uid_root)
    entries = entries_of(arguments.files)
    if out is None:
        failures = table.write(rows_of(model, entries, beside, site=site), sys.stdout, kind)
    else:
        journal = Journal(out, _what_matters(arguments, named))
        with journal:
            todo = _todo(entries, journal)
            rows = rows_of(model, todo, beside, before=len(entries) - len(todo), site=site)
            failures = _to_file(rows, journal, out, kind)
    _tell(beside)
    return 1 if failures else 0


def rows_of(
    model: Predictor, entries: Sequence[Entry], beside: SideFiles, before: int = 0, site: SiteProfile | None = None
) -> Iterator[Row]:
    """One row an entry, in order; what is written beside it is there by then. One file is in memory at a time.

    before: how many others have a row already. site: as `cxr.inference.answer.answer` takes it.
    """
    with bar(before + len(entries), "predict", before=before) as advance, reader() as files:
        for entry in entries:
            yield _row(model, entry, files, beside, site)
            advance(1)


def _row(model: Predictor, entry: Entry, files: Reader, beside: SideFiles, site: SiteProfile | None) -> Row:
    try:
        data = files.read(entry)
        picture = decode(data)
    except (ImageError, UnreadableError) as fault:
        return table.failed(entry.name, fault.code, str(fault))
    except OSError as fault:
        return table.failed(entry.name, "unreadable", fault.strerror or type(fault).__name__)
    try:
        said = answer(model, picture, explain=beside.explains, site=site)
    except UnsoundError as fault:
        return table.failed(entry.name, "unsound_answer", str(fault))
    beside.write(entry.name, data, picture, said)
    return table.answered(entry.name, said, model.facts)


def _todo(entries: list[Entry], journal: Journal) -> list[Entry]:
    """The entries without a row."""
    todo = [entry for entry in entries if entry.name not in journal.done]
    if journal.done:
        sys.stderr.write(f"cxr: continuing: {len(entries) - len(todo)} of {len(entries)} files have their row\n")
    return todo


def _to_file(rows: Iterator[Row], journal: Journal, out: Path, kind: str) -> int:
    """Writes the table whole. How many files could not be read."""
    for row in rows:
        journal.add(row)
    with replace_when_complete(out) as partial:
        if kind == "parquet":
            failures = table.write_parquet(journal.rows(), partial)
        else:
            with partial.open("w", newline="", encoding="utf-8") as handle:
                failures = table.write(journal.rows(), handle, kind)
    journal.discard()
    return failures


def _what_matters(arguments: argparse.Namespace, named: dict[str, str]) -> dict[str, Any]:
    """What the rows and the files beside them depend on."""
    options = {name: str(getattr(arguments, name)) for name in ("precision", "explain", "sr", "uid_root")}
    if arguments.site is not None:
        options["site"] = sha256_of(arguments.site)
    # As it was typed too: a row has its file under that name, and would be asked for again under another one.
    return {**options, "model": named, "files": [[str(path), str(path.absolute())] for path in arguments.files]}


def _site(arguments: argparse.Namespace) -> SiteProfile | None:
    """Raises CxrError where the profile is for another model, signed by nobody known, or lets nothing be classified."""
    if arguments.site is None:
        if arguments.site_keys:
            raise CxrError("--site-keys is there and --site is not; name the profile that they sign")
        return None
    site = verified_profile(arguments.site, _site_keys(arguments.site_keys))
    site.require_model(digest_of(arguments.model), str(arguments.model))
    withheld = site.withheld(date.today())
    if withheld is not None:
        raise CxrError(f"--site {arguments.site}: {SENTENCES[f'error.{withheld}']}")
    return site


def _site_keys(option: str | None) -> tuple[str, ...]:
    """Of the option, else of the variable that the service reads."""
    text = os.environ.get(KEYS_VARIABLE, "") if option is None else option
    if not text and option is None:
        return ()
    try:
        return public_keys(text)
    except ValueError as fault:
        name = KEYS_VARIABLE if option is None else "--site-keys"
        raise CxrError(f"{name} is {text!r}; it takes {fault}") from None


def _named(model: Predictor, folder: Path) -> dict[str, str]:
    from cxr.dicom_results.said import model_of

    return model_of(model.facts, digest_of(folder))


def _tell(beside: SideFiles) -> None:
    for why, count in beside.left_out.most_common(3):
        sys.stderr.write(f"cxr: {count} answered files have no structured report: {why}\n")
