"""Destination `c_store`: results go to an archive by C-STORE."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic.dataclasses import dataclass
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from cxr.common.config import STRICT
from cxr.node.network import LONGEST_PDU, pynetdicom
from cxr.node.parts import Destination, DestinationSettings, RejectedError, Surroundings, UnreachableError, register
from cxr.node.values import AeTitle, Port, Seconds, TlsSettings

if TYPE_CHECKING:
    from pynetdicom.association import Association

OUT_OF_RESOURCES = range(0xA700, 0xA800)
WARNINGS = range(0xB000, 0xC000)


@register
@dataclass(frozen=True, config=STRICT)
class CStoreDestination(DestinationSettings):
    """An archive. timeout_s: for its connection and each of its answers."""

    kind: Literal["c_store"]
    ae_title: AeTitle
    host: str
    port: Port
    timeout_s: Seconds = 30.0
    tls: TlsSettings = TlsSettings()

    def open(self, name: str, around: Surroundings) -> Destination:
        return _Archive(name, self, around)


class _Archive:
    """Keeps its association while there is something to send."""

    def __init__(self, name: str, settings: CStoreDestination, around: Surroundings):
        pynetdicom()
        self._name = name
        self._settings = settings
        self._ae_title = around.ae_title
        self._tls = settings.tls.calling()
        self._association: Association | None = None
        self._contexts: tuple[tuple[str, str], ...] = ()

    def send(self, datasets: Sequence[Dataset]) -> None:
        wanted = {(str(one.SOPClassUID), str(one.file_meta.TransferSyntaxUID)) for one in datasets}
        association = self._connected(wanted)
        rejected: list[RejectedError] = []
        for dataset in datasets:
            try:
                self._store(association, dataset)
            except RejectedError as fault:  # an archive without reports may still take pictures
                rejected.append(fault)
        if rejected:
            raise rejected[0]

    def close(self) -> None:
        if self._association is not None and self._association.is_established:
            self._association.release()
        self._association = None

    def _connected(self, wanted: set[tuple[str, str]]) -> "Association":
        if self._association is not None and self._association.is_established and wanted <= set(self._contexts):
            return self._association
        self.close()
        self._contexts = tuple(sorted(wanted | set(self._contexts)))
        self._association = self._associate()
        if not self._association.is_established:
            if self._association.rejected_contexts:  # it answered: another object may be taken
                self._association = None
                names = ", ".join(sorted(UID(one).name for one, _ in wanted))
                raise RejectedError(f"{self._name} takes objects of none of the classes {names}")
            how = "refused the association" if self._association.is_rejected else "does not answer"
            self._association = None
            raise UnreachableError(f"{self._name} {how}")
        return self._association

    def _associate(self) -> "Association":
        from pynetdicom import AE, build_context

        settings = self._settings
        entity = AE(ae_title=self._ae_title)
        entity.connection_timeout = entity.acse_timeout = entity.dimse_timeout = settings.timeout_s
        entity.requested_contexts = [build_context(one, list(_proposed(syntax))) for one, syntax in self._contexts]
        tls_args = None if self._tls is None else (self._tls, settings.host)
        return entity.associate(
            settings.host, settings.port, ae_title=settings.ae_title, max_pdu=LONGEST_PDU, tls_args=tls_args
        )

    def _store(self, association: "Association", dataset: Dataset) -> None:
        try:
            answer = association.send_c_store(dataset)
        except ValueError:  # the archive accepted no context for this kind of object
            raise RejectedError(f"{self._name} does not take objects of class {dataset.SOPClassUID.name}") from None
        except RuntimeError:
            raise UnreachableError(f"{self._name} ended the association") from None
        status = answer.Status if "Status" in answer else None
        if status is None:
            raise UnreachableError(f"{self._name} broke off")
        if status in OUT_OF_RESOURCES:
            raise UnreachableError(f"{self._name} has no room now ({status:#06x})")
        if status != 0x0000 and status not in WARNINGS:
            raise RejectedError(f"{self._name} rejected an object of class {dataset.SOPClassUID.name} ({status:#06x})")


def _proposed(syntax: str) -> tuple[str, ...]:
    """What is written without compression may also go out in the syntax that every archive must take."""
    return (syntax, ImplicitVRLittleEndian) if syntax == ExplicitVRLittleEndian else (syntax,)
