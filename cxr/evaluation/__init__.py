"""Numbers and figures: metrics with intervals over patients, by subgroup, curves, plots, precision.

Imports `data` and `inference`. Reads predictions; writes reports/.
"""
