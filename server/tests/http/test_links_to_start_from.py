"""A start refuses links that can be recognised as unusable without fetching them."""

import json
from collections.abc import Iterator

import pytest

from support.application import Application, Client, open_application
from support.envelope import rejected_fields

STARTS = ["/runs/generation", "/generate", "/runs/estimate"]
MALFORMED = [
    "https://[/a.jpg", "https://[", "https://", "https:///a.jpg", "https://host:abc", "https://host:99999/a",
    "https://0177.0.0.1", "https://1.2.3", "https://0x7f.1", "https://user@host/a", "https://xn--a.example/a",
    "https://a..b/a", "https://\\/a", "https://host/\x7f", "https://host/" + "a" * 8000,
    "https://host/" + "a" * 70_000, "https://[::g]/a", "https://" + "a" * 64 + ".com/a", "https://ho\x00st/a",
    "https://ho st/a", "https://host/\ud800",
]  # fmt: skip


@pytest.fixture(scope="module")
def api_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    with open_application(tmp_path_factory.mktemp("data"), workers=False) as opened:
        yield opened


def refused_fields(api_only: Application, path: str, link: str) -> dict[str, str]:
    account = api_only.account()
    client: Client = api_only.client(account.api_key)
    # A model whose engine is available; nothing is executed here.
    body = account.body(type="image", model="i2i-painter", params={"image_url": link})
    answer = client.post(path, content=json.dumps(body), headers={"content-type": "application/json"})
    return rejected_fields(answer)


@pytest.mark.parametrize("path", STARTS)
@pytest.mark.parametrize("link", MALFORMED, ids=lambda link: ascii(link[:30]))
def test_a_malformed_link_is_refused(api_only: Application, path: str, link: str) -> None:
    fields = refused_fields(api_only, path, link)
    assert set(fields) == {"params.image_url"}


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("http://example.com/a.png", "The link must start with https://"),
        ("https://localhost/a.png", "The link leads to an address that is not public"),
        ("https://192.168.1.1/a.png", "The link leads to an address that is not public"),
        ("https://[::1]:8443/a.png", "The link leads to an address that is not public"),
        ("https://u:p@example.com/a.png", "The link must name a host, and no user"),
        ("https://example.com/" + "a" * 8000, "The link is longer than 8,000 characters; give a shorter one"),
    ],
)
def test_a_link_that_is_never_fetched_is_refused_with_the_reason(
    api_only: Application, link: str, message: str
) -> None:
    assert refused_fields(api_only, "/generate", link) == {"params.image_url": message}
