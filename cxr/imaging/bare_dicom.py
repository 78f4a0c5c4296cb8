"""Data sets without the 128 free bytes and the "DICM" mark, as old archives and some exporters write them.

They are known by their first two elements: both of the groups 0002 and 0008, in rising order, of short length.
"""

import struct

VALUE_KINDS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT OB OF OW PN SH SL SQ SS ST TM UI UL UN US UT".split())
LONG_KINDS = frozenset((b"OB", b"OF", b"OW", b"SQ", b"UN", b"UT"))
FIRST_GROUPS = (0x0002, 0x0008)
LONGEST = 4096  # bytes of the first two elements


def is_bare_dicom(data: bytes) -> bool:
    return any(_has_two_elements(data, order) for order in "<>")


def _has_two_elements(data: bytes, order: str) -> bool:
    try:
        first, after = _element(data, 0, order)
        second, _ = _element(data, after, order)
    except (struct.error, ValueError):
        return False
    return first < second and all(tag >> 16 in FIRST_GROUPS for tag in (first, second))


def _element(data: bytes, at: int, order: str) -> tuple[int, int]:
    """The tag of the element at `at`, and where the next one starts. Raises ValueError where there is none."""
    group, element = struct.unpack_from(order + "HH", data, at)
    kind = data[at + 4 : at + 6]
    if kind in LONG_KINDS:
        start, (length,) = at + 12, struct.unpack_from(order + "L", data, at + 8)
    elif kind in VALUE_KINDS:
        start, (length,) = at + 8, struct.unpack_from(order + "H", data, at + 6)
    else:
        start, (length,) = at + 8, struct.unpack_from(order + "L", data, at + 4)
    if group not in FIRST_GROUPS or length > LONGEST or length % 2:
        raise ValueError("no element of a data set's beginning")
    return group << 16 | element, start + length
