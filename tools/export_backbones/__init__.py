"""Scripts that write a PyTorch network to one ONNX file, as a backbone for features.exported (docs/backbones.md).

They run in an environment of their own: PyTorch is not among the project's dependencies.
"""
