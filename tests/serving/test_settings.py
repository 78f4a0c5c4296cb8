"""What an operator sets, and what docs/serving.md says about it."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from serving.cores import cores
from serving.settings import Settings, SettingsError, read_settings

DOCS = Path(__file__).parents[2] / "docs" / "serving.md"


def test_nothing_set_is_the_defaults():
    assert read_settings({}) == Settings()
    assert read_settings({"CXR_MODEL": "", "CXR_WORKERS": ""}) == Settings()


def test_every_setting_is_read_from_its_variable():
    environment = {
        "CXR_MODEL": "other:v3",
        "CXR_FOLLOW_S": "0",
        "CXR_API_KEY": "key",
        "CXR_KEYS": "/etc/keys",
        "CXR_KEY_RATE": "100",
        "CXR_KEY_FOR_OPERATORS": "1",
        "CXR_CORS_ORIGINS": "https://a.example, http://b.example:8080",
        "CXR_MAX_BYTES": "1048576",
        "CXR_MAX_PIXELS": "1000000",
        "CXR_MAX_BATCH": "4",
        "CXR_BODY_TIMEOUT_S": "5",
        "CXR_BODY_RATE": "99",
        "CXR_HEADER_TIMEOUT_S": "3",
        "CXR_MAX_CONNECTIONS": "50",
        "CXR_WORKERS": "3",
        "CXR_PRECISION": "f32",
        "CXR_SITE": "/etc/profile.json",
        "CXR_SITE_KEYS": f"{'0f' * 32}, {'a0' * 32}",
        "CXR_MAX_REQUESTS": "9",
        "CXR_WATCH": "/var/lib/cxr/watch.db",
        "CXR_WATCH_DEVICES": "Acme XR 1; Other  DX 2",
        "CXR_FEEDBACK": "/var/lib/cxr/feedback.db",
    }
    assert set(environment) == {setting.metadata["variable"] for setting in fields(Settings)}
    settings = read_settings(environment)
    changed = [f.name for f in fields(Settings) if getattr(settings, f.name) == getattr(Settings(), f.name)]
    assert changed == []
    assert settings.cors_origins == ("https://a.example", "http://b.example:8080")
    assert settings.site_keys == ("0f" * 32, "a0" * 32)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CXR_MAX_BYTES", "20MB"),
        ("CXR_MAX_BYTES", "-1"),
        ("CXR_MAX_BYTES", "0"),
        ("CXR_WORKERS", "1.5"),
        ("CXR_PRECISION", "fp16"),
        ("CXR_WORKERS", "٣"),
        ("CXR_CORS_ORIGINS", "a.example"),
        ("CXR_CORS_ORIGINS", "https://a.example/path"),
        ("CXR_MODEL", "a\nb"),
        ("CXR_SITE_KEYS", "0F" * 32),
        ("CXR_SITE_KEYS", "0f" * 32 + ","),
    ],
)
def test_a_wrong_value_is_one_sentence_with_the_variable_and_what_it_takes(variable, value):
    with pytest.raises(SettingsError) as raised:
        read_settings({variable: value})
    assert str(raised.value).startswith(f"{variable} is ")
    assert "it takes" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_key_is_never_shown():
    assert "hush" not in repr(read_settings({"CXR_API_KEY": "hush"}))
    with pytest.raises(SettingsError) as raised:
        read_settings({"CXR_API_KEY": "hush\n"})
    assert "hush" not in str(raised.value)


def test_the_table_for_operators_is_the_settings():
    rows = re.findall(r"^\| `(CXR_\w+)` \| (.*?) \| (.*?) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(f.metadata["variable"], shown(f.default), f.metadata["what"]) for f in fields(Settings)]


def shown(default: object) -> str:
    return "" if default in ("", ()) else f"`{default}`"


@pytest.mark.parametrize(("text", "count"), [("100000 100000", 1), ("50000 100000", 1), ("max 100000", None)])
def test_a_containers_limit_of_cores_counts(tmp_path, text, count):
    quota = tmp_path / "cpu.max"
    quota.write_text(text + "\n")
    assert cores(quota) == (count or cores(tmp_path / "nothing"))


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [({}, (4, 2, 8)), ({"CXR_WORKERS": "3"}, (12, 6, 24)), ({"CXR_MAX_REQUESTS": "1"}, (4, 2, 1))],
)
def test_a_deployment_asks_for_what_its_workers_need(variables, wanted):
    settings = read_settings(variables)
    assert (settings.cores_wanted, settings.memory_wanted_gib, settings.requests_wanted) == wanted
