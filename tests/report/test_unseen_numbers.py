"""What the report and the model card say first: the yardstick's number, or that nothing is known."""

from dataclasses import replace

from cxr.report.page import model_card, report
from cxr.unseen.summary import not_measured
from tests.report.conftest import Made
from tests.report.test_page import BLANKS, in_words


def test_the_first_sentence_is_about_sources_that_were_never_seen(made: Made) -> None:
    said = "In sources that it has never seen its AUC is 0.83 (0.79 to 0.87)"
    page = in_words(made.report)
    for text in (page, made.card):
        assert said in text
        assert text.index(said) < text.index("shortcut_flagged")
        for cell in ("0.834 (0.791 to 0.872)", "0.182 (0.124 to 0.251)"):
            assert cell in text
        assert "not measurable: the other sources have no COVID image in validation" in text
    assert page.index(said) < page.index("A program that looks")


def test_where_nothing_was_left_out_the_first_sentence_says_that_nothing_is_known(made: Made) -> None:
    unknown = not_measured("the COVID images come from one source only, covid_chestxray")
    models = {name: replace(model, unseen=unknown) for name, model in made.facts.models.items()}
    facts = replace(made.facts, models=models)
    said = "Nothing is known about how it tells COVID in other hospitals: the COVID images come from one source only"
    page = in_words(report(facts, made.figures, made.mistakes))
    assert page.index(said) < page.index("A program that looks")
    assert said in model_card(facts)
    assert not BLANKS.search(page)
