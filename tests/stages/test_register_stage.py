"""What the registry's description says of the audit's stamp."""

import pytest

from stages.register import stamp_words


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        ([], "The shortcut audit found every limit held."),
        (["one"], "Stamped shortcut_flagged: one."),
        (list("abcdefg"), "Stamped shortcut_flagged: a; b; c; d; e; and 2 more in audit.json."),
    ],
)
def test_the_description_names_the_stamp_and_its_first_reasons(reasons: list[str], words: str) -> None:
    assert stamp_words({"shortcut_flagged": bool(reasons), "audit": {"reasons": reasons}}) == words
