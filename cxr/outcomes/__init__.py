"""Outcomes come back: what later turned out to be true of an answer, and what it says of the model at this site.

Imports `common`, `inference` and `watch`. Nothing here knows a picture, a patient or a file's name: an answer is a
random id, its hour, its group and its probability's bin. docs/outcomes.md tells what the numbers mean.
"""
