"""The yardstick: how well does the recipe tell COVID in sources that it was not trained on?

Imports `data`, `evaluation`, `features`, `inference`, `networks` and `training`. Trains the recipe again without some
sources, and asks those models about the training and validation patients of the sources left out. Test patients take no
part.
"""
