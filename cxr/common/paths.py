"""Where the pipeline's files lie, relative to the project's root; the same names stand in dvc.yaml."""

from pathlib import Path

RAW = Path("data/raw")
INDEX = Path("data/index.csv")
REJECTED = Path("data/rejected.csv")
OTHER_VIEWS = Path("data/other_views.csv")
LUNG_MASKS = Path("data/lung_masks.csv")
COPIES = Path("data/copies.csv")
SPLIT = Path("data/split.csv")
SPLIT_REJECTED = Path("data/split_rejected.csv")
PIXELS = Path("data/pixels.npy")
FEATURES = Path("data/features")
FEATURE_CACHE = Path("data/feature_cache")
UNSEEN_CACHE = Path("data/unseen_cache")  # answers of models that were trained without some sources
DOWNLOADED_BACKBONES = Path("data/backbones")  # files of features.exported that came from an address
LUNGS = Path("models/lungs")
GATE = Path("models/gate")
TRAINED = Path("models/trained")  # one bundle per backbone
CHAMPION = Path("models/champion")
REPORTS = Path("reports")
MODEL_REPORTS = REPORTS / "models"  # one folder per backbone
CARD = REPORTS / "card"
WINNER = REPORTS / "winner.json"
SEALED = REPORTS / "sealed"  # the only place of numbers on test patients
