"""The shortcut audit: can this model tell where a picture came from, and does it answer by that?

Imports `augmentation`, `data`, `evaluation`, `inference` and `training`. Asks an engine about validation
patients, about altered pictures and about sources that it was not trained on.
"""
