"""From the bytes of a picture to grey pixels: PNG, JPEG, TIFF, BMP, WebP and DICOM, within limits of size and memory.

Imports `common`. Training and the service decode with the same code. The bytes come from files of a source or from a
request.
"""
