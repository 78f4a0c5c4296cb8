"""What both sides of the DICOM network share: pynetdicom, loaded when it is needed, and the syntaxes that are read."""

import logging
from types import ModuleType

from pydicom import uid

from cxr.imaging.dicom_frame import SYNTAXES
from cxr.node.receipt import NodeError

# Preferred first: a sender that offers one context with several syntaxes gets the first of these.
PREFERRED = (uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian)
READ: tuple[str, ...] = (*PREFERRED, *sorted(SYNTAXES - set(PREFERRED)))
# The names in node.yaml of what may come in, PS3.4 annex B.5.
STORAGE: dict[str, str] = {
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "DX": "1.2.840.10008.5.1.4.1.1.1.1",  # for presentation
    "DX for processing": "1.2.840.10008.5.1.4.1.1.1.1.1",
    "SC": "1.2.840.10008.5.1.4.1.1.7",
    "SC byte": "1.2.840.10008.5.1.4.1.1.7.2",
    "SC word": "1.2.840.10008.5.1.4.1.1.7.3",
    "SC colour": "1.2.840.10008.5.1.4.1.1.7.4",
    "XA": "1.2.840.10008.5.1.4.1.1.12.1",
    "RF": "1.2.840.10008.5.1.4.1.1.12.2",
    "US": "1.2.840.10008.5.1.4.1.1.6.1",
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
}
LONGEST_PDU = 1 << 17  # bytes; small ones cost time, one is held in memory for each association


def pynetdicom() -> ModuleType:
    """Raises NodeError that names the extra. Its own log stays silent: it may quote what a sender sent."""
    try:
        import pynetdicom
    except ModuleNotFoundError as fault:
        raise missing(fault) from None
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
    return pynetdicom


def missing(fault: ModuleNotFoundError) -> NodeError:
    """The one sentence for a package of the extra that is not installed."""
    return NodeError(
        f"the DICOM node needs the extra clinic ({fault.name} is missing); pip install 'covid-cxr[clinic]'"
    )
