"""Trains and measures the lung segmenter. It answers in `inference.lung_segmenter`.

Imports `augmentation`, `data`, `evaluation`, `imaging`, `inference` and `networks`. The masks come with the sources,
which say to which picture each belongs.
"""
