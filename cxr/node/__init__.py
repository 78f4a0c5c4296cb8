"""The DICOM node: takes X-rays from an archive, asks the model, and gives the results back. docs/node.md explains it.

A picture comes in through a source, waits in the queue on disk, is picked or left alone by rules, and asked about; the
results wait on disk until every destination has them. Needs the extra `clinic`.
"""
