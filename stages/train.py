"""Train one backbone's head on the bank, calibrate it on the validation patients, record the run."""

import sys

from cxr.curves import write_history
from cxr.dataset import Dataset
from cxr.engine import Trunk
from cxr.features import ViewBank
from cxr.files import write_json
from cxr.fitting import calibrated_bundle, train_on_banks
from cxr.layout import BANK, FEATURES, INDEX, MODELS, PIXELS, REPORTS, SPLIT
from cxr.params import Backbone, EvaluateParams, FeaturesParams, RegisterParams, TrainParams, load_params
from cxr.stage import run_stage
from cxr.trunks import read_trunk_spec, specs_of_banks


def main(backbone: Backbone) -> str:
    params = load_params(TrainParams, "train")
    data = Dataset.read(INDEX, SPLIT, PIXELS)
    train, validation = data.side("train"), data.side("validation")
    trunk = read_trunk_spec(FEATURES / backbone)
    shape = Trunk(FEATURES / backbone / "trunk.xml").shape
    specs = specs_of_banks(trunk, load_params(FeaturesParams, "features"))
    banks = tuple(ViewBank(BANK, spec, shape) for spec in specs)
    trained = train_on_banks(train, validation, banks, params)
    facts = {"name": load_params(RegisterParams, "register").model, "backbone": backbone, "side": trunk.side}
    p_covid = calibrated_bundle(MODELS / backbone, FEATURES / backbone, trained, validation, facts, params.sensitivity)
    return f"{backbone}: {len(trained.history)} epochs, best {trained.best_epoch}"


if __name__ == "__main__":
    run_stage(lambda: main(sys.argv[1]))  # type: ignore[arg-type]
