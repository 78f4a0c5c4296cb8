"""What every package needs: errors, labels, paths, whole files, params.yaml, many cores, the edge of a stage.

Imports nothing else of ours. Knows no image, no model and no data set.
"""
