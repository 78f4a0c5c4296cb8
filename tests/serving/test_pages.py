"""The web client's files: right types, strict policy, nothing else from the disk."""

import pytest

from serving.pages import STRICTEST_POLICY, read_policy


@pytest.fixture
def web(tmp_path):
    folder = tmp_path / "web"
    (folder / "fonts").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>x</title>")
    (folder / "sw.js").write_text("")
    (folder / "manifest.webmanifest").write_text("{}")
    (folder / "style.css").write_text("")
    (folder / "fonts" / "a.woff2").write_bytes(b"x")
    (folder / "README.md").write_text("for contributors")
    (folder / "csp.txt").write_text("default-src 'self';\n  frame-ancestors 'none'\n")
    (tmp_path / "secret.json").write_text("{}")
    return folder


@pytest.fixture
def pages(serve, web):
    with serve(web=web) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/sw.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/fonts/a.woff2", "font/woff2"),
        ("/?lang=ar", "text/html; charset=utf-8"),
    ],
)
def test_every_file_has_its_type_and_the_policy(pages, path, media_type):
    response = pages.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == media_type
    assert response.headers["content-security-policy"] == "default-src 'self'; frame-ancestors 'none'"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/README.md", "/csp.txt", "/../secret.json", "/%2e%2e/secret.json", "/fonts"])
def test_nothing_else_is_served(pages, path):
    assert pages.get(path).status_code == 404


def test_what_the_browser_has_is_not_sent_again(pages):
    first = pages.get("/")
    again = pages.get("/", headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert pages.get("/", headers={"If-None-Match": '"other"'}).status_code == 200


def test_head_has_the_headers_and_no_body(pages):
    response = pages.head("/")
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) > 0


def test_a_service_without_a_page_still_answers(serve, tmp_path):
    with serve(web=tmp_path / "nothing") as client:
        assert client.get("/").status_code == 404
        assert client.get("/readyz").status_code == 200


def test_without_a_policy_of_its_own_the_page_gets_the_strictest(tmp_path):
    assert read_policy(tmp_path) == STRICTEST_POLICY


def test_the_real_page_is_served(client):
    assert "<html" in client.get("/").text
    assert client.get("/").headers["content-security-policy"] != STRICTEST_POLICY


def test_an_answer_is_not_kept_by_a_cache(client):
    assert client.get("/model").headers["cache-control"] == "no-store"
    assert client.get("/model").headers["content-security-policy"] == STRICTEST_POLICY
