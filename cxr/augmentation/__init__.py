"""Random versions of a picture: turned and moved, exposed and stored otherwise, and a strong mixture of both.

`operations` holds what can be done to a picture, each once and without chance; `geometric`, `photometric` and `strong`
are recipes that draw its numbers. Imports `common`. Takes and gives pixels uint8[h, w]; what is random comes from a
generator that the caller passes.
"""
