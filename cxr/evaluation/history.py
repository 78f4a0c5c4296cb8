"""What one epoch of training gives; apart from the training, which needs numba, so that reading stays light."""

from typing import NamedTuple


class Epoch(NamedTuple):
    """One epoch's mean loss (natural log, weighted) and accuracy; the training ones under dropout, as it runs."""

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
