"""Which model is registered, whether it may become champion, and how the champion moves.

Imports `data`, `evaluation`, `features`, `inference` and `tracking`.
"""
