"""Which model is registered, and whether it becomes champion.

Imports `data`, `evaluation`, `features`, `inference` and `tracking`.
"""
