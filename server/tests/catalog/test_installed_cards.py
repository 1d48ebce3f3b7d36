"""Installed cards: ours are right, and a wrong one of another distribution is left out."""

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from support import tree
from support.distributions import InstalledDistributions
from terrarium_server.catalog import CardError, load_cards

CARD = """
id = "{id}"
name = "{name}"
type = "audio"
provider = "tests"
engine = "tone"
description = "A tone."
estimated_seconds = 1
"""


def card(id: str, name: str = "A tone") -> str:
    return CARD.format(id=id, name=name)


def test_every_shipped_card_is_right_and_has_an_id_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    shipped = [
        path
        for path in tree.tracked_files()
        if path.match("cards/*.toml")
        and (path.is_relative_to(tree.SERVER) or path.is_relative_to(tree.POCKET))
    ]
    # An owner's cards are checked strictly.
    load_cards(*{path.parent for path in shipped})
    ids = Counter(str(tomllib.loads(path.read_text("utf-8"))["id"]) for path in shipped)
    assert [model for model, count in ids.items() if count > 1] == []
    assert ids.keys() <= {card.id for card in load_cards()}
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (card("t2a-tone").replace("name =", "nom ="), "name: Field required; nom: unknown"),
        ("id =", "not valid TOML: Invalid value (at end of document)"),
        ("id = '\udcff'", "not valid TOML: 'utf-8' codec can't decode byte 0xff in position 6"),
    ],
)
def test_a_wrong_card_is_logged_with_its_file_and_left_out(
    text: str, cause: str, distributions: InstalledDistributions, caplog: pytest.LogCaptureFixture
) -> None:
    home = distributions.install(
        "terrarium-tone", "tone_package", {"cards/right.toml": card("t2a-right")}, cards=True
    )
    wrong = home / "cards/wrong.toml"
    wrong.write_text(text, "utf-8", "surrogateescape")
    assert "t2a-right" in {card.id for card in load_cards()}
    [message] = caplog.messages
    assert message.startswith(f"a model of terrarium-tone is left out: {wrong}: {cause}")


def test_a_card_that_cannot_be_read_is_left_out(
    distributions: InstalledDistributions, caplog: pytest.LogCaptureFixture
) -> None:
    home = distributions.install(
        "terrarium-tone", "tone_package", {"cards/right.toml": card("t2a-right")}, cards=True
    )
    (home / "cards/wrong.toml").mkdir()
    assert "t2a-right" in {card.id for card in load_cards()}
    assert "wrong.toml: cannot be read: Is a directory" in caplog.text
    with pytest.raises(CardError, match=r"wrong.toml: cannot be read: Is a directory"):
        load_cards(home / "cards")


def test_an_id_of_two_distributions_is_left_out_and_both_are_named(
    tmp_path: Path, distributions: InstalledDistributions, caplog: pytest.LogCaptureFixture
) -> None:
    files = [
        distributions.install(
            f"terrarium-{name}",
            f"{name}_package",
            {"cards/tone.toml": card("t2a-tone"), "cards/own.toml": card(f"t2a-{name}")},
            cards=True,
        )
        / "cards/tone.toml"
        for name in ("hum", "sine")
    ]
    ids = {card.id for card in load_cards()}
    assert {"t2a-hum", "t2a-sine"} <= ids and "t2a-tone" not in ids
    assert caplog.messages == [
        "model t2a-tone is left out: uninstall all but one of "
        f"{files[0]} of terrarium-hum and {files[1]} of terrarium-sine"
    ]
    # The owner's card of this id is used.
    (tmp_path / "mine.toml").write_text(card("t2a-tone", "Mine"))
    assert {card.id: card.name for card in load_cards(tmp_path)}["t2a-tone"] == "Mine"


def test_cards_of_a_package_that_ends_the_process_are_left_out(
    distributions: InstalledDistributions, caplog: pytest.LogCaptureFixture
) -> None:
    files = {"__init__.py": "raise SystemExit('no licence')\n", "cards/tone.toml": card("t2a-tone")}
    distributions.install("terrarium-tone", "tone_package", files, cards=True)
    assert "t2a-tone" not in {card.id for card in load_cards()}
    assert caplog.messages == [
        "the cards in tone_package.cards are left out: SystemExit: no licence; reinstall terrarium-tone"
    ]
