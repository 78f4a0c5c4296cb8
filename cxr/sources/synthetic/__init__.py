"""Synthetic radiographs, drawn from formulas: anatomy, findings, overlays and the exposure.

Imports nothing else of ours. `sources.phantom` makes a source of them.
"""
