"""The commands that the pages tell people to type."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
TUTORIALS = sorted((ROOT / "docs/tutorials").glob("*.md"))
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *TUTORIALS, ROOT / "data/README.md"])


def blocks(page: Path, language: str = "console") -> list[str]:
    """What stands in the page's blocks of a language, in order."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def lines(page: Path) -> list[str]:
    """Every line to type; one that ends in a backslash goes on in the next."""
    joined = "".join(blocks(page)).replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def commands(line: str) -> Iterator[list[str]]:
    """The words of each program on a line, with its variables set before it left out: pipes and && part them."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set("|&;"):
            yield from [words] if words else []
            words = []
        elif words or not re.match(r"[A-Z_]+=", word):
            words.append(word)
