"""The report and the model card of a registered model, as one HTML page and one Markdown file.

Imports `audit`, `data`, `evaluation`, `inference`, `sources` (for their descriptions) and `tracking`. Reads reports/;
every file that it read is named in the page with its SHA-256.
"""
