"""Who made an object, and when: the same for every kind."""

from datetime import datetime
from importlib.metadata import version
from typing import Any

from pydicom.dataset import Dataset
from pydicom.valuerep import DA, DT, TM

from cxr.dicom_results.options import ResultOptions
from cxr.dicom_results.said import Said


def equipment(header: Dataset, said: Said, options: ResultOptions, when: datetime) -> dict[str, Any]:
    """Arguments that highdicom takes for every kind of object: who made it, and when."""
    return {
        "instance_number": max(1, int(header.get("InstanceNumber") or 1)),
        "manufacturer": options.manufacturer,
        "manufacturer_model_name": said.model.name[:64],
        "software_versions": [f"covid-cxr {version('covid-cxr')}", f"model {said.model.version}"[:64]],
        "device_serial_number": options.device_serial,
        "institution_name": options.institution or None,
        "content_date": when.date(),
        "content_time": when.time(),
    }


def stamped_with(when: datetime, made: Dataset) -> Dataset:
    """`made` with the body part, and with `when` for the time at which this program ran: made again, it is the same."""
    for name in ("InstanceCreation", "PresentationCreation"):
        if f"{name}Date" in made:
            setattr(made, f"{name}Date", DA(when.date()))
            setattr(made, f"{name}Time", TM(when.time()))
    if "DateOfSecondaryCapture" in made:
        made.DateOfSecondaryCapture, made.TimeOfSecondaryCapture = DA(when.date()), TM(when.time())
    if made.Modality != "SR":
        made.BodyPartExamined = "CHEST"  # it has no left and right, so the element for them may be missing
    for item in made.get("ContributingEquipmentSequence", []):
        item.ContributionDateTime = DT(when)
    return made
