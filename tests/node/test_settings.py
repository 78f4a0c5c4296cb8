"""node.yaml: the example loads, and every fault is one sentence."""

import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from cxr.common.errors import CxrError
from cxr.node import command
from cxr.node.ask import EngineSettings
from cxr.node.parts import DestinationSettings, SourceSettings
from cxr.node.receive import CStoreSource
from cxr.node.rules import RuleSettings
from cxr.node.settings import ResultSettings, load_node
from tests.node.peers import config

EXAMPLE = Path(__file__).parents[2] / "docs" / "node.yaml"
SOURCE = "{a: {kind: c_store, peers: [{ae_title: X}]%s}}"


def test_the_example_loads() -> None:
    settings = load_node(EXAMPLE)
    source = settings.sources["pacs"]
    assert isinstance(source, CStoreSource)
    assert [peer.ae_title for peer in source.peers] == ["ORTHANC", "XRAY_ROOM_1"]
    assert settings.results.uid_root == "2.25"


def keys_left_out(written: Any, read: Any, place: str = "") -> list[str]:
    """Keys of the settings `read` that the document `written` does not name."""
    if isinstance(read, dict):
        return [key for name in read for key in keys_left_out(written[name], read[name], f"{place}{name}.")]
    if not is_dataclass(read):
        return []
    names = [field.name for field in fields(read)]
    known = [name for name in names if name in written]
    below = [key for name in known for key in keys_left_out(written[name], getattr(read, name), f"{place}{name}.")]
    return [f"{place}{name}" for name in names if name not in written] + below


def test_the_example_has_every_key_of_every_kind() -> None:
    settings, text = load_node(EXAMPLE), EXAMPLE.read_text(encoding="utf-8")
    left_out = keys_left_out(yaml.safe_load(text), settings)
    assert [key for key in left_out if not key.startswith("destinations.his.address.")] == []
    for parts, kinds in ((settings.sources, SourceSettings), (settings.destinations, DestinationSettings)):
        assert {type(one) for one in parts.values()} == {
            one for one in kinds.registered.values() if one.__module__.startswith("cxr.")
        }
    engine = yaml.safe_load(re.findall(r"# or: (\{kind: engine.*\})", text)[0])
    assert set(engine) == {field.name for field in fields(EngineSettings)}
    assert settings.rules == RuleSettings()
    assert settings.results == ResultSettings()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sources": "{}"}, "sources is empty; name at least one"),
        ({"sources": SOURCE % ", prt: 3"}, "sources.a: unknown key 'prt'; the keys are kind, peers, host, port"),
        ({"sources": SOURCE % ", port: 0"}, "sources.a.port is 0; it must be at least 1"),
        ({"sources": SOURCE % ", storage: [XR]"}, "storage: 'XR' is not one of CR, DX"),
        ({"sources": SOURCE % ", storage: ['1..2']"}, "storage: '1..2' is not one of CR, DX"),
        ({"sources": SOURCE % ", storage: ['1.2.']"}, "storage: '1.2.' is not one of CR, DX"),
        (
            {"sources": "{a: {kind: c_store, peers: [{ae_title: X, adress: 1}]}}"},
            "sources.a.peers[0]: unknown key 'adress'",
        ),
        (
            {"sources": "{a: {kind: c_store, peers: [{ae_title: X, addresses: [b]}]}}"},
            "'b' is no address; write 10.1.2.3",
        ),
        ({"sources": "{a: {kind: c_store, peers: []}}"}, "sources.a: peers is empty"),
        ({"sources": "{a: {kind: mail}}"}, "sources.a.kind is 'mail'; allowed:"),
        ({"sources": "{'a/b': {kind: c_store, peers: [{ae_title: X}]}}"}, "'a/b' is no name for a part"),
        ({"ae_title": "A_TITLE_THAT_IS_TOO_LONG"}, "ae_title: 'A_TITLE_THAT_IS_TOO_LONG' is no AE title"),
        ({"ask": "{kind: service, url: nowhere}"}, "ask.url is 'nowhere'"),
        ({"results": "{uid_root: abc}"}, "results: uid_root is 'abc'"),
        ({"retry": "{most_tries: 0}"}, "retry.most_tries is 0; it must be at least 1"),
        ({"sources": SOURCE % ", tls: {key: a}"}, "certificate and key belong together"),
    ],
)
def test_a_fault_is_one_sentence_that_names_its_place(changes: dict[str, str], sentence: str, tmp_path: Path) -> None:
    file = config(tmp_path, 11112, 8090, 104, **changes)
    with pytest.raises(CxrError) as caught:
        load_node(file)
    said = str(caught.value)
    assert said.startswith(f"{file}: ")
    assert sentence in said
    assert "\n" not in said


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CxrError, match="is not there; name the node's configuration with --config"):
        load_node(tmp_path / "none.yaml")


def test_check_reads_the_configuration_and_does_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = config(tmp_path, 11112, 8090, 104)
    assert command.command(["check", "--config", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: 1 sources, 1 destinations\n"
    assert sorted(tmp_path.iterdir()) == [file]


def test_tls_names_the_file_that_is_missing(tmp_path: Path) -> None:
    from cxr.node.values import TlsSettings

    tls = TlsSettings(str(tmp_path / "a.pem"), str(tmp_path / "a.key"))
    with pytest.raises(CxrError, match=r"a\.pem is not there; name files in PEM"):
        tls.listening()
