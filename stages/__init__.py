"""The pipeline's stages, one per key in dvc.yaml: each reads files, calls cxr, writes files."""
