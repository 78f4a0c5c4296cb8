"""Heads and fine-tuning: from cached features, or from pictures, to a calibrated bundle.

Imports `augmentation`, `data`, `evaluation`, `features`, `inference` and `networks`.
"""
