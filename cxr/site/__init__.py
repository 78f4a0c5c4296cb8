"""Commissioning: what a site's own labelled X-rays say about a model there, before it answers for that site.

docs/site.md explains it.
"""
