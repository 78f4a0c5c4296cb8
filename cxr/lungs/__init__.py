"""Trains and measures the lung segmenter. It answers in `inference.lung_segmenter`.

Imports `augmentation`, `data`, `evaluation`, `imaging`, `inference`, `networks` and `sources`. The masks come with
the sources.
"""
