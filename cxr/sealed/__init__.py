"""The sealed test: what a registered version is worth on the test patients, measured once, and who looked how often.

Imports `audit`, `common`, `data`, `evaluation`, `features`, `gate` and `inference`. Nothing here decides anything.
"""
