"""An answer as objects for an archive: DICOM SR, heat map as a picture, presentation state; and as FHIR.

Imports `common`, `imaging` and `inference`. Needs the extra `clinic`. Writes no file and opens no connection.
"""
