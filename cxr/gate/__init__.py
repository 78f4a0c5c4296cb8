"""Trains and measures the gate, which refuses what is no frontal chest X-ray. It answers in `inference.gate`.

Imports `augmentation`, `data`, `evaluation`, `imaging` and `inference`. Its examples come from the indexed pictures,
from the CT slices, lateral views and other pictures that the sources name, and from drawings.
"""
