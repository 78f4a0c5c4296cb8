"""File names that tables, logs and DVC cannot hold: those with control characters, and those not in UTF-8."""

import unicodedata

# Control characters, line and paragraph separators, and what Python reads in place of bytes that are not UTF-8.
_BAD = ("Cc", "Cs", "Zl", "Zp")


def is_plain(path: str) -> bool:
    return not any(unicodedata.category(letter) in _BAD for letter in path)


def escaped(path: str) -> str:
    """The path with its bad characters written out, such as `a\\r.png`."""
    return "".join(letter if is_plain(letter) else ascii(letter)[1:-1] for letter in path)
