"""Every licence is known and allowed, and what is under the GPL stays out of the server's process."""

import importlib
import subprocess
import sys
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import pytest

from support import tree

STARTED = "terrarium_server.app, terrarium_server.commands.serve, terrarium_server.execution"


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> Any:
    """scripts/licences_rules.py."""
    monkeypatch.syspath_prepend(tree.ROOT / "scripts")
    return importlib.import_module("licences_rules")


@pytest.fixture
def data(rules: Any) -> Any:
    """The rules' tables, small."""
    return rules.Data(
        permissive=["MIT", "Apache-2.0"],
        shared_library=["LGPL-2.1-or-later"],
        wordings={"License :: OSI Approved :: MIT License": "MIT"},
        used={"known": "in a test"},
        released={"known": {"version": "1.0", "date": "2026-01-02"}},
    )


def made_up(folder: Path, name: str, *headers: str, files: tuple[str, ...] = ()) -> Distribution:
    """A distribution as an installer leaves it."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *headers]
    (info / "METADATA").write_text("\n".join(lines) + "\n", "utf-8")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files), "utf-8")
    return Distribution.at(info)


def problems(rules: Any, data: Any, distribution: Distribution) -> str:
    name = distribution.name
    return "\n".join(rules.licence_problems(name, rules.licence_of(name, distribution, data), data))


def test_the_server_loads_nothing_that_must_stay_apart(rules: Any) -> None:
    apart = rules.kept_apart(rules.read().data)
    assert apart.keys() >= {"av", "espeakng-loader", "imageio-ffmpeg"}
    modules = [module for named in apart.values() for module in named]
    code = f"import sys, {STARTED}; print([name for name in {modules} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_repository_has_no_problem_and_the_page_is_up_to_date() -> None:
    command = [sys.executable, str(tree.ROOT / "scripts/licences.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "header",
    [
        "License-Expression: MIT OR GPL-3.0-only",
        "License: mit",
        "Classifier: License :: OSI Approved :: MIT License",
    ],
)
def test_an_allowed_licence_is_found_wherever_metadata_states_it(
    rules: Any, data: Any, tmp_path: Path, header: str
) -> None:
    assert problems(rules, data, made_up(tmp_path, "known", header)) == ""


@pytest.mark.parametrize(
    "headers", [(), ("License: see the file",), ("Classifier: License :: OSI Approved :: BSD License",)]
)
def test_a_distribution_without_a_known_licence_fails(
    rules: Any, data: Any, tmp_path: Path, headers: tuple[str, ...]
) -> None:
    assert "no known licence" in problems(rules, data, made_up(tmp_path, "riddle", *headers))


def test_agpl_fails_even_where_it_was_accepted(rules: Any, data: Any, tmp_path: Path) -> None:
    licence = "AGPL-3.0-only"
    data.accepted.append({"distributions": ["shared"], "licence": licence, "because": "it was convenient"})
    reported = problems(rules, data, made_up(tmp_path, "shared", f"License-Expression: {licence}"))
    assert "AGPL-3.0-only is never accepted" in reported


def test_a_licence_outside_the_list_needs_a_reason(rules: Any, data: Any, tmp_path: Path) -> None:
    driver = made_up(tmp_path, "driver", "License-Expression: MIT AND LGPL-3.0-only")
    assert "is not allowed" in problems(rules, data, driver)
    accepted = {"distributions": ["driver"], "licence": "MIT AND LGPL-3.0-only", "because": "replaceable"}
    data.accepted.append(accepted)
    assert problems(rules, data, driver) == ""
    accepted["licence"] = "LGPL-2.1-only"
    assert "is not allowed" in problems(rules, data, driver), "the reason was given for another licence"


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT AND Apache-2.0", True),
        ("MIT AND GPL-2.0-only", False),
        ("(GPL-2.0-only OR MIT) AND Apache-2.0", True),
        ("GPL-2.0-only OR MIT AND ISC", False),
        ("Apache-2.0 WITH LLVM-exception", False),
    ],
)
def test_or_needs_one_allowed_licence_and_and_needs_all(
    rules: Any, data: Any, expression: str, allowed: bool
) -> None:
    assert rules.permitted(expression, data.permissive) is allowed


def card(root: Path, licence: str, name: str = "t2t-model") -> None:
    folder = root / "pocket/src/terrarium_pocket/kind/cards"
    folder.mkdir(parents=True, exist_ok=True)
    weights = f'source = "pypi:known==1.0"\nbytes = 7\npocket = true\n{licence}'
    (folder / f"{name}.toml").write_text(f'id = "{name}"\n[weights]\n{weights}\n', "utf-8")


@pytest.mark.parametrize(
    ("licence", "reason"),
    [
        ("", "no known licence"),
        ('licence = "ask us"', "no known licence"),
        ('licence = "CC-BY-NC-4.0"', "not allowed"),
    ],
)
def test_weights_without_an_allowed_licence_fail(
    rules: Any, data: Any, tmp_path: Path, licence: str, reason: str
) -> None:
    card(tmp_path, 'licence = "MIT"', "a-model-of-the-same-weights")
    card(tmp_path, licence)
    inventory = rules.Inventory(data, {}, {}, {}, rules.weights(tmp_path))
    assert [reason in problem for problem in inventory.problems()] == [True]


def test_weights_with_an_allowed_licence_pass(rules: Any, data: Any, tmp_path: Path) -> None:
    card(tmp_path, 'licence = "MIT"')
    assert list(rules.Inventory(data, {}, {}, {}, rules.weights(tmp_path)).problems()) == []


def test_a_direct_dependency_needs_a_pin_a_date_and_a_phrase_on_its_use(rules: Any, data: Any) -> None:
    assert list(rules.use_problems("known", data)) == []
    assert "how it is used" in "".join(rules.use_problems("new", data))
    assert list(rules.release_problems("known", "1.0", data)) == []
    assert "--refresh" in "".join(rules.release_problems("known", "1.1", data))
    declared = {"known": ["server"]}
    assert "not pinned" in "".join(rules.Inventory(data, {}, {}, declared, {}).problems())


@pytest.mark.parametrize("name", ["numpy", "psycopg-binary", "starlette"])
def test_what_the_default_install_needs_must_be_pinned_for_it(rules: Any, name: str) -> None:
    inventory = rules.read()
    # Another file of requirements/ may pin it too, which does not count.
    inventory.local[name] = inventory.base.pop(name)
    [problem] = [problem for problem in inventory.problems() if problem.startswith(f"{name}:")]
    assert "run.txt" in problem
    assert "make lock" in problem


def test_another_version_than_the_pinned_one_fails(rules: Any) -> None:
    inventory = rules.read()
    inventory.base["numpy"] = inventory.base["numpy"]._replace(version="0.1")
    reported = [problem for problem in inventory.problems() if problem.startswith("numpy:")]
    assert ["make setup" in problem for problem in reported] == [True]


def test_an_entry_that_nothing_needs_fails(rules: Any, data: Any) -> None:
    assert ["Remove it" in problem for problem in rules.Inventory(data, {}, {}, {}, {}).problems()] == [True]


def test_a_library_in_a_wheel_must_be_named(rules: Any, data: Any, tmp_path: Path) -> None:
    wheel = made_up(tmp_path, "known", files=("known/a.abi3.so", "known.libs/libx264-d6533a8d.so.165"))
    assert "its wheel is compiled" in "".join(rules.inside_problems("known", wheel, data))
    entry = {"distribution": "known", "parts": {"MIT": ["liba"]}}
    data.inside.append(entry)
    assert "contains libx264" in "".join(rules.inside_problems("known", wheel, data))
    entry["parts"] = {"GPL-2.0-or-later": ["libx264"]}
    assert list(rules.inside_problems("known", wheel, data)) == []


def test_a_part_under_the_gpl_must_stay_out_of_the_servers_process(rules: Any, data: Any) -> None:
    entry = {
        "distribution": "known",
        "parts": {"GPL-2.0-or-later": ["libx264"], "LGPL-2.1-or-later": ["liba"]},
    }
    assert ["libx264" in problem for problem in rules.part_problems(entry, data)] == [True]
    assert list(rules.part_problems(entry | {"modules": ["known"]}, data)) == []


def test_pins_know_what_needs_them(rules: Any, tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    lines = ["Tool_A==1.0 \\", "    --hash=sha256:00", "    # via server (server/pyproject.toml)"]
    lines += ["b==2 ; sys_platform == 'win32' \\", "    --hash=sha256:00", "    # via", "    #   -c dev.txt"]
    lines += ["    #   tool-a", "c==3", "    # via pytest"]
    (tmp_path / "requirements/run.txt").write_text("\n".join(lines), "utf-8")
    pinned = rules.pins(["run.txt"], tmp_path)
    assert {name: pin[:2] for name, pin in pinned.items()} == {
        "tool-a": ("1.0", ""),
        "b": ("2", "sys_platform == 'win32'"),
        "c": ("3", ""),
    }
    assert rules.reachable(["tool-a"], pinned).keys() == {"tool-a", "b"}
