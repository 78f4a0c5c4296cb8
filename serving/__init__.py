"""The HTTP side of the service: settings, requests, routes (in `routes/`), limits, metrics. service.py hands it to
BentoML.

Imports `cxr.common`, `cxr.imaging` and `cxr.inference` only. The model comes from BentoML's store.
"""
