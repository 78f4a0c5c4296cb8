"""What became of an object that was handed in, and the node's own error."""

from enum import Enum

from cxr.common.errors import CxrError


class NodeError(CxrError):
    """The node's configuration or surroundings are not as they must be."""


class Receipt(Enum):
    """What became of an object that was handed in. Only after TAKEN and KNOWN may its sender forget it."""

    TAKEN = "taken"  # it is on the disk
    KNOWN = "known"  # the same object was taken before
    CONFLICT = "conflict"  # another object with this UID was taken before; this one is not kept
    FULL = "full"  # no room, or the node is stopping; try again later
    UNREADABLE = "unreadable"  # not a DICOM object, or not the one that its envelope names
