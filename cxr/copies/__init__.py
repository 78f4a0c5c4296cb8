"""The same picture twice: copies that collections make from each other, found although one is cropped, rescaled,
compressed, regraded or marked.

Imports `common`, `augmentation` and `data`. Takes pixels as the pixel store has them.
"""
