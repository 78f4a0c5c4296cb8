"""Write serving/requirements.txt: what a bento installs, pinned and with hashes, as uv.lock has it.

python tools/bento_requirements.py           writes it; run it after each change of uv.lock (`make lock` does)
python tools/bento_requirements.py --check   only says whether it is as uv.lock has it

BentoML would lock by itself, but to the newest versions of the day of the build, and without hashes.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE = ROOT / "serving" / "requirements.txt"
HEAD = "# What a bento installs. `python tools/bento_requirements.py` writes this file from uv.lock.\n"
EXPORT = "export --quiet --frozen --offline --no-dev --no-emit-project --extra serve --no-header --no-annotate"


def exported() -> str:
    """The file as uv.lock has it: the service's packages and all that these need, on every platform."""
    uv = [shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv") or "uv"]
    command = [*uv, *EXPORT.split(), "--format", "requirements.txt"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return HEAD + done.stdout


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--check", action="store_true")
    text = exported()
    if not options.parse_args().check:
        FILE.write_text(text, encoding="utf-8")
        return 0
    if FILE.read_text(encoding="utf-8") == text:
        return 0
    print(
        f"{FILE.relative_to(ROOT)} is not what uv.lock says; run `python tools/bento_requirements.py`", file=sys.stderr
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
