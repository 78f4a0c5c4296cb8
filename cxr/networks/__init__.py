"""Keras networks: the backbones, the U-Net that finds lungs, and their export to OpenVINO.

Imports `common` and `inference`. Keras is imported inside functions alone: its start takes seconds. Weights come from
Keras' download or from a file that params.yaml names.
"""
