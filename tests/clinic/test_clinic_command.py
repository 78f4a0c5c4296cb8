"""`make clinic` before it starts anything: what it says where something is missing."""

import sys

import pytest

from cxr.common.errors import CxrError
from tools.ask import free_port
from tools.clinic import configuration, main, plan
from tools.orthanc import running


def test_a_workspace_without_a_model_gets_a_sentence_that_helps(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["clinic", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"^clinic: .* `make demo` makes one"):
        main()


def test_a_machine_without_orthanc_is_told_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr("tools.orthanc.PLUGIN", tmp_path / "none.so")
    with pytest.raises(CxrError, match="apt-get install orthanc"), running(plan(tmp_path, free_port())):
        pass


def test_only_this_machine_reaches_the_archive_unless_it_was_asked_for(tmp_path):
    near = plan(tmp_path, 1)
    far = plan(tmp_path, 1, remote=True)
    assert near.configuration()["RemoteAccessAllowed"] is False
    assert far.configuration()["RemoteAccessAllowed"] is True
    assert len(far.password) > 12
    assert far.password not in repr(far)


def test_the_password_is_not_in_the_nodes_configuration(tmp_path):
    archive = plan(tmp_path, 1, remote=True)
    assert archive.password not in str(configuration(archive, tmp_path, tmp_path, 1))
    assert (tmp_path / "password").stat().st_mode & 0o077 == 0
