"""Write the report and the model card of the version that was registered, and put them where the version is found."""

from cxr.common.atomic_files import write_text
from cxr.common.config import load_params
from cxr.common.paths import CARD, INDEX, LUNGS, MODEL_REPORTS, PIXELS, REPORTS, SPLIT, TRAINED
from cxr.common.report_files import read_report
from cxr.common.stage_runner import run_stage
from cxr.data.dataset import Dataset
from cxr.data.predictions import read_probabilities
from cxr.inference.engine import Engine
from cxr.inference.lung_segmenter import LungSegmenter
from cxr.promotion.settings import RegisterParams
from cxr.report.facts import Registered, read_facts
from cxr.report.figures import report_figures
from cxr.report.mistakes import mistakes
from cxr.report.page import model_card, report
from cxr.tracking import registry
from cxr.tracking.publishing import publish
from cxr.tracking.report_types import RegisterReport

PAGE = CARD / "report.html"
MODEL_CARD = CARD / "model_card.md"


def main() -> str:
    register = read_report(RegisterReport, REPORTS / "register.json")
    winner = register["winner"]
    version = registry.find_version(load_params(RegisterParams).model, register["version"])
    reports = MODEL_REPORTS / winner
    record = publish(reports)
    facts = read_facts(Registered(version.name, version.number, record.run_id, version.bundle_sha256, version.created))
    validation = Dataset.read(INDEX, SPLIT, PIXELS).split("validation")
    p_covid = read_probabilities(reports / "validation.csv", validation)
    lungs = LungSegmenter.load_if_trained(LUNGS)
    wrong = mistakes(Engine.load(TRAINED / winner), validation, p_covid, facts.model.validation["threshold"], lungs)
    write_text(report(facts, report_figures(facts), wrong), PAGE)
    write_text(model_card(facts), MODEL_CARD)
    for path in (PAGE, MODEL_CARD):
        record.log_file(path, CARD.name)
    registry.link_report(version, f"runs:/{record.run_id}/{CARD.name}/{PAGE.name}")
    return f"{version}: {PAGE} ({PAGE.stat().st_size / 2**20:.1f} MiB) and {MODEL_CARD}"


if __name__ == "__main__":
    run_stage(main)
