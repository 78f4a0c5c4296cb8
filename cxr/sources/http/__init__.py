"""Downloads: files that resume, archives that are unpacked safely, and Kaggle's interface.

Imports `common`. Knows no source.
"""
