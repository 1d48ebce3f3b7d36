"""A start refuses links that can be recognised as unusable without fetching them."""

import json
from collections.abc import Iterator

import pytest

from support.application import Application, Client, open_application
from support.envelope import rejected_fields
from terrarium_server.catalog import Param

STARTS = ["/runs/generation", "/generate", "/runs/estimate"]
MALFORMED = [
    "https://[/a.jpg", "https://[", "https://", "https:///a.jpg", "https://host:abc", "https://host:99999/a",
    "https://0177.0.0.1", "https://1.2.3", "https://0x7f.1", "https://user@host/a", "https://xn--a.example/a",
    "https://a..b/a", "https://\\/a", "https://host/\x7f", "https://host/" + "a" * 8000,
    "https://host/" + "a" * 70_000, "https://[::g]/a", "https://" + "a" * 64 + ".com/a", "https://ho\x00st/a",
    "https://ho st/a", "https://host/\ud800",
    "https://host:+1/a", "https://host:1_0/a", "https://host:\u0661/a", "https://host:0/a", "https://host:-1/a",
    "https://host:1e3/a", "https://[fe80::1%25eth0]/a", "https://[fe80::1%eth0]/a", "https://[v1.x]/a",
    "https://[1.2.3.4]/a", "https://[::1]x/a", "https://u:p@host/a", "https://127.1", "https://2130706433/a",
    "https://010.0.0.1/a", "https://256.1.1.1/a", "https://xn--/a", "https://a,b/a", "https://ho%73t/a",
    "https://*/a", "https://127\u30020\u30020\u30021/a", "https://host/\x85", "https://host/\u2028",
    "https:host/a", "//host/a", "host/a", "data:image/png;base64,AAAA", "file:///etc/passwd",
    "javascript:alert(1)", "", " ", "run_", "run_x/out_", "run_\x00", "asset_\ud800", "asset_" + "a" * 70_000,
    "/media/lnk_x.png",
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


@pytest.mark.parametrize("link", ["HTTPS://example.com/a.png", "https://EXAMPLE.com/a.png"])
def test_the_case_of_scheme_and_host_does_not_matter(api_only: Application, link: str) -> None:
    account = api_only.account()
    body = account.body(type="image", model="i2i-painter", params={"image_url": link})
    assert api_only.client(account.api_key).post("/generate", json=body).status_code == 201


def test_every_parameter_with_media_checks_its_links(api_only: Application) -> None:
    account = api_only.account()
    client: Client = api_only.client(account.api_key)
    checked: set[str] = set()
    for card in api_only.services.catalog.available():
        parameters = [param for param in card.params if param.media is not None]
        required = {param.name: as_value(param, "https://host/a") for param in parameters if param.required}
        for param in parameters:
            checked.add(param.name)
            for link in MALFORMED:
                params = {**required, param.name: as_value(param, "https://host/a", link)}
                body = json.dumps(account.body(type=card.type, model=card.id, params=params))
                answer = client.post("/generate", content=body, headers={"content-type": "application/json"})
                assert set(rejected_fields(answer)) == {f"params.{param.name}"}, (card.id, link)
                assert len(answer.content) < 2000
    assert checked >= {"image_url", "image_urls", "audio_url", "video_url", "style_image_url"}


def as_value(param: Param, *links: str) -> str | list[str]:
    """The links as a list, or only the last one."""
    return list(links) if param.type == "string[]" else links[-1]
