"""Trains and measures the gate, which refuses what is no frontal chest X-ray. It answers in `inference.gate`.

Imports `augmentation`, `data`, `evaluation`, `imaging`, `inference` and `sources`. Its examples come from the indexed
pictures, from those that the index rejected, and from drawings.
"""
