"""Random versions of a picture: turned and moved, photometric_view otherwise, and the strong mixture of both.

Imports `common`. Takes and gives pixels uint8[h, w]; what is random comes from a generator that the caller passes.
"""
