"""The images as tables and arrays: the index, the split by patient, the pixel store, and predictions about them.

Imports `common` and `imaging`. Reads what the stages index, pixels, copies and split write under data/.
"""
