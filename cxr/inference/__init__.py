"""What answers: the engine with its head, the gate, the lung segmenter, and the words of an answer.

Imports `common` and `imaging`; runs without TensorFlow, MLflow, pandas and scikit-learn. Reads a bundle, the folder
that the stage `register` writes.
"""
