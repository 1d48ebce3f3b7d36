"""What can be told of a link without fetching it is told on the start."""

import json
from collections.abc import Iterator

import pytest

from support.envelope import rejected_fields
from support.house import Client, Inside, open_inside

STARTS = ["/runs/generation", "/generate", "/runs/estimate"]
READ_BY_NOBODY = [
    "https://[/a.jpg", "https://[", "https://", "https:///a.jpg", "https://host:abc", "https://host:99999/a",
    "https://0177.0.0.1", "https://1.2.3", "https://0x7f.1", "https://user@host/a", "https://xn--a.example/a",
    "https://a..b/a", "https://\\/a", "https://host/\x7f", "https://host/" + "a" * 8000,
    "https://host/" + "a" * 70_000, "https://[::g]/a", "https://" + "a" * 64 + ".com/a", "https://ho\x00st/a",
    "https://ho st/a", "https://host/\ud800",
]  # fmt: skip


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    with open_inside(tmp_path_factory.mktemp("data"), workers=False) as opened:
        yield opened


def told(door: Inside, path: str, link: str) -> dict[str, str]:
    account = door.account()
    client: Client = door.client(account.api_key)
    # The model whose engine is there; it is never run here.
    body = account.body(type="image", model="i2i-painter", params={"image_url": link})
    answer = client.post(path, content=json.dumps(body), headers={"content-type": "application/json"})
    return rejected_fields(answer)


@pytest.mark.parametrize("path", STARTS)
@pytest.mark.parametrize("link", READ_BY_NOBODY, ids=lambda link: ascii(link[:30]))
def test_a_link_that_no_parser_takes_is_refused_by_name(door: Inside, path: str, link: str) -> None:
    said = told(door, path, link)
    assert set(said) == {"params.image_url"}


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("http://example.com/a.png", "The link must start with https://"),
        ("https://localhost/a.png", "The link leads to an address that is not public"),
        ("https://192.168.1.1/a.png", "The link leads to an address that is not public"),
        ("https://[::1]:8443/a.png", "The link leads to an address that is not public"),
        ("https://u:p@example.com/a.png", "The link must name a host, and no user"),
        ("https://example.com/" + "a" * 8000, "The link is longer than 8,000 characters; give a shorter one"),
    ],
)
def test_what_this_server_never_fetches_is_refused_with_words(door: Inside, link: str, words: str) -> None:
    assert told(door, "/generate", link) == {"params.image_url": words}
