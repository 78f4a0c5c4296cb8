"""What the report says, as coded concepts: SNOMED CT where a code fits, else this project's own scheme."""

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import CodedConcept

from cxr.common.labels import COVID, NON_COVID, REFUSED
from cxr.dicom_results.drawing import NOT_FOR_CLINICAL_USE
from cxr.dicom_results.said import Said
from cxr.inference.triage import Group

SCHEME = "99CXR"  # "99" marks a private scheme
_SNOMED = "SCT"


def own(value: str, meaning: str) -> CodedConcept:
    """A code of this project."""
    return CodedConcept(value, SCHEME, meaning)


def scheme() -> CodingSchemeIdentificationItem:
    """Tells a reader who is responsible for the codes of `SCHEME`."""
    return CodingSchemeIdentificationItem(SCHEME, name="covid-cxr", responsible_organization="covid-cxr")


PLAIN_CHEST_XRAY = CodedConcept("399208008", _SNOMED, "Plain chest X-ray")
LUNG = CodedConcept("39607008", _SNOMED, "Lung structure")
# The code is that of DICOM's own title, which viewers look for; only its meaning, which people read, says more.
TITLE = CodedConcept("126000", "DCM", f"Imaging Measurement Report - {NOT_FOR_CLINICAL_USE}")
ANSWER = own("answer", "Answer of the classifier")
P_COVID = own("p_covid", "Calibrated probability of COVID-19 pneumonia")
THRESHOLD = own("threshold", "Probability from which a picture is called COVID")
FAMILIARITY = own("familiarity", "Share of the training pictures at least as unusual")
STAMP = own("stamp", "Stamp of the model's audit")
WARNING = own("warning", "Warning")
REASON = own("reason", "Reason of the refusal")
USE = own("use", "Permitted use")
COMMISSIONING = own("commissioning", "Whether the model was tested where it is used")
SITE = own("site", "Site that the model was commissioned for")
TRIAGE = own("triage", "Triage group by the site's certified cuts")
COMMISSIONED = own("commissioned", "Commissioned for the site")
NOT_COMMISSIONED = own("not_commissioned", "Not commissioned: not tested at the place of use")
GROUPS: dict[Group, CodedConcept] = {
    "unlikely": own("unlikely", "COVID unlikely"),
    "uncertain": own("uncertain", "Uncertain"),
    "likely": own("likely", "COVID likely"),
}
STATES = {
    COVID: own(COVID, "Called COVID by the classifier"),
    NON_COVID: own(NON_COVID, "Not called COVID by the classifier"),
    REFUSED: own(REFUSED, "Refused: not classified"),
}
# SNOMED CT has no finding "a classifier did not call it so", and its codes for absence would claim more than that.
FINDINGS = STATES | {COVID: CodedConcept("882784691000119100", _SNOMED, "Pneumonia caused by SARS-CoV-2")}


def evaluations(said: Said) -> list[tuple[CodedConcept, CodedConcept]]:
    """Name and value of what is said in codes: the answer, whether the model was commissioned, the triage group."""
    here = said.commissioned
    found = [(ANSWER, STATES[said.state]), (COMMISSIONING, NOT_COMMISSIONED if here is None else COMMISSIONED)]
    if here is not None and here.triage is not None:
        found.append((TRIAGE, GROUPS[here.triage]))
    return found
