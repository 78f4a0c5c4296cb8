"""The report (one HTML page) and the model card (Markdown) of a registered model, made from the metrics files alone."""
