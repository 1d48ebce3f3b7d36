"""The checks of links that need no network."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terrarium_server.media import FetchError, FetchRules, check_link

OPEN = FetchRules(allow_private=True)
NOBODY_READS = [
    "", "https", "https:", "https:/", "https://", "https:///", "https:///a.png", "https://?a", "https://#a",
    "https:a.png", "https://[", "https://[/a.jpg", "https://]/a.jpg", "https://[]/a", "https://[::1/a",
    "https://[::g]/a", "https://[v1.a]/a", "https://[::1]a/b", "https://host:abc", "https://host:abc/a",
    "https://host:0/a", "https://host:-1/a", "https://host:65536/a", "https://host:99999/a", "https://h:1:2/a",
    "https://0177.0.0.1", "https://256.1.1.1/a", "https://1.2.3", "https://1.2.3.4.5/a", "https://1.2.3.4../a",
    "https://0x7f.1", "https://0x7f000001/a", "https://2130706433/a.png", "https://127.1/", "https://a.0x/",
    "https://u@host/a", "https://user:pass@example.com/a.png", "https://good.example@host/a",
    "https://a b/c", "https://host/a b", " https://host/a", "https://host/a\n", "https://ho\tst/a",
    "https://host/\x00", "https://host/\x7f", "https://host/\x85", "https://host\u2028/", "https://host/\u3000a",
    "https://host/\ud800", "https://\ud800.com/", "https://a\\b/c", "https://a%2fb/c", "https://%31%32%37.0.0.1/",
    "https://a..b/c", "https://.a/c", "https://a|b/c", "https://a,b/c", "https://" + "a" * 64 + ".com/",
    "https://" + "a." * 127 + "com/", "https://xn--\x80.com/", "https://xn--a.example/", "https://xn--/",
    "https://xn--99999999999.example/", "https://\uff11\uff12\uff17.0.0.1/", "https://" + "ü" * 64 + ".de/",
    "https://a\u200db.com/", "data:image/png;base64,AAAA", "file:///etc/passwd", "ftp://host/a",
    "javascript:alert(1)", "//host/a", "/a.png", "a.png", "http:///a", "https://host/" + "a" * 8000,
    "https://host/" + "a" * 70_000, "https://" + "a" * 70_000,
]  # fmt: skip


@pytest.mark.parametrize("text", NOBODY_READS, ids=lambda text: ascii(text[:40]))
def test_an_invalid_link_is_refused_with_a_message(text: str) -> None:
    with pytest.raises(FetchError) as refused:
        check_link(text, OPEN)
    assert str(refused.value).startswith("the link") and len(str(refused.value)) < 120


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("http://example.com/a.png", "must start with https"),
        ("https://127.0.0.1/a.png", "not public"),
        ("https://127.0.0.1./a.png", "not public"),
        ("https://10.0.0.8:8443/a.png", "not public"),
        ("https://[::1]/a.png", "not public"),
        ("https://[fe80::1%25eth0]/a.png", "not public"),
        ("https://[::ffff:10.0.0.1]/a.png", "not public"),
        ("https://localhost/a.png", "not public"),
        ("https://LOCALHOST./a.png", "not public"),
        ("https://files.localhost:8443/a.png", "not public"),
    ],
)
def test_http_and_private_addresses_are_refused_unless_the_owner_allows_them(text: str, message: str) -> None:
    with pytest.raises(FetchError, match=message):
        check_link(text, FetchRules())
    check_link(text, OPEN)


@pytest.mark.parametrize(
    ("text", "host", "target"),
    [
        ("https://example.com", "example.com", "/"),
        ("https://EXAMPLE.com:443/A.png?b=c&d=%20#e", "example.com", "/A.png?b=c&d=%20"),
        ("https://bücher.example/ä.jpg", "xn--bcher-kva.example", "/%C3%A4.jpg"),
        ("https://xn--bcher-kva.example/a", "xn--bcher-kva.example", "/a"),
        ("https://例え.テスト/画像.png", "xn--r8jz45g.xn--zckzah", "/%E7%94%BB%E5%83%8F.png"),
        ("https://xn--ls8h.la/a", "xn--ls8h.la", "/a"),
        ("https://a-_b--c.cdn-1.example.com:8443/x;y=[1]", "a-_b--c.cdn-1.example.com", "/x;y=[1]"),
        ("https://93.184.216.34/a", "93.184.216.34", "/a"),
        ("https://[2606:2800:220:1::1]:8443/a", "2606:2800:220:1::1", "/a"),
        ("https://1.2.3.com/a", "1.2.3.com", "/a"),
        ("https://example.com/" + "a" * 7000, "example.com", "/" + "a" * 7000),
    ],
)
def test_valid_links_are_accepted(text: str, host: str, target: str) -> None:
    link = check_link(text, FetchRules())
    assert (link.raw_host.decode(), link.raw_path.decode()) == (host, target)


@given(st.text(alphabet=[*string.printable, *"[]:@/\\%.üß٣\ud800\u200d\u2028"], max_size=40))
def test_any_text_is_accepted_or_refused(text: str) -> None:
    for start in ("", "https://", "https://host"):
        for rules in (OPEN, FetchRules()):
            try:
                check_link(start + text, rules)
            except FetchError as refused:
                assert str(refused)
