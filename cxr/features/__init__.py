"""The feature cache: a frozen trunk's features of every augmented view, computed once and kept by content.

Imports `augmentation`, `data`, `inference` and `networks`. Reads the pixel store; writes data/features and
data/feature_cache.
"""
