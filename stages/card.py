"""Write the report and the model card of the version that was registered, and put them where the version is found."""

from cxr.card.facts import Registered, read_facts
from cxr.card.figures import report_figures
from cxr.card.mistakes import mistakes
from cxr.card.page import model_card, report
from cxr.curves import read_history
from cxr.dataset import Dataset
from cxr.engine import Engine
from cxr.files import read_json, write_text
from cxr.layout import CARD, INDEX, LUNGS, MODEL_REPORTS, PIXELS, REPORTS, SPLIT, TRAINED
from cxr.lungs import LungSegmenter
from cxr.params import RegisterParams, load_params
from cxr.predictions import read_probabilities
from cxr.stage import run_stage
from cxr.tracking import registry
from cxr.tracking.runs import resume_run

PAGE, MODEL_CARD = CARD / "report.html", CARD / "model_card.md"


def main() -> str:
    register = read_json(REPORTS / "register.json")
    winner = register["winner"]
    version = registry.find_version(load_params(RegisterParams, "register").model, register["version"])
    reports = MODEL_REPORTS / winner
    record = resume_run(reports / "run.json", read_history(reports / "history.csv"))
    facts = read_facts(Registered(version.name, version.number, record.run_id, version.bundle_sha256, version.created))
    test = Dataset.read(INDEX, SPLIT, PIXELS).side("test")
    p_covid = read_probabilities(reports / "predictions.csv", test)
    lungs = LungSegmenter.load_if_trained(LUNGS)
    wrong = mistakes(Engine.load(TRAINED / winner), test, p_covid, facts.model.metrics["threshold"], lungs)
    write_text(report(facts, report_figures(facts), wrong), PAGE)
    write_text(model_card(facts), MODEL_CARD)
    for path in (PAGE, MODEL_CARD):
        record.log_file(path, CARD.name)
    registry.link_report(version, f"runs:/{record.run_id}/{CARD.name}/{PAGE.name}")
    return f"{version}: {PAGE} ({PAGE.stat().st_size / 2**20:.1f} MiB) and {MODEL_CARD}"


if __name__ == "__main__":
    run_stage(main)
