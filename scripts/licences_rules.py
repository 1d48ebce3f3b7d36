"""What the repository depends on, under which licences, and what is wrong with that.

Dependencies come from each distribution's pyproject.toml and the pins in requirements/, licences from the
metadata of what is installed, weights from the model cards, and everything else from scripts/licences.toml.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
DATA = Path("scripts/licences.toml")
DISTRIBUTIONS = ("server", "pocket", "client")
# The default install, and what the extra `local` adds to it.
PINS = ("run.txt", "alone.txt")
LOCAL_PINS = ("local.txt", "torch.txt")
LOCAL = "server[local]"

_PINNED = re.compile(r"([A-Za-z0-9][\w.-]*)==([^\s;\\]+)(?: *; *([^\\]+?))? *\\?$")
_NEEDED_BY = re.compile(r" +# (?:via|  ) ?([a-z0-9][\w.-]*)")
_COMPILED = re.compile(r"\.(so|pyd|dylib)(\.[\d.]+)?$")
# auditwheel adds hashes to the names of the libraries it copies: libx264-d6533a8d.so.165.
_COPIED = re.compile(r"\.libs/(.+?)(-[0-9a-f]{8})*\.so[\d.]*$")


class Pin(NamedTuple):
    """A pinned version, the marker of where it is installed (or nothing), and the packages that need it."""

    version: str
    marker: str
    needed_by: set[str]


@dataclass
class Weights:
    """A source of weights: the licences that its cards name, its size in bytes, the models that use it."""

    licences: list[str]
    size: int
    pocket: bool
    models: list[str]


@dataclass
class Data:
    """What is kept by hand in scripts/licences.toml; names of distributions are canonical."""

    permissive: list[str] = field(default_factory=list)
    shared_library: list[str] = field(default_factory=list)
    wordings: dict[str, str] = field(default_factory=dict)
    licences: list[dict[str, Any]] = field(default_factory=list)
    accepted: list[dict[str, Any]] = field(default_factory=list)
    used: dict[str, str] = field(default_factory=dict)
    weight_wordings: dict[str, str] = field(default_factory=dict)
    inside: list[dict[str, Any]] = field(default_factory=list)
    own_code: dict[str, list[str]] = field(default_factory=dict)
    released: dict[str, dict[str, Any]] = field(default_factory=dict)

    def entry(self, table: str, name: str) -> dict[str, Any] | None:
        """Return the entry of ``licences`` or ``accepted`` that names a distribution."""
        return next((entry for entry in getattr(self, table) if name in entry["distributions"]), None)

    def release_date(self, name: str) -> str:
        """Return when the pinned version was released, as YYYY-MM-DD."""
        return str(self.released.get(name, {}).get("date", "?"))


def permitted(expression: str, allowed: Iterable[str]) -> bool:
    """Say whether an SPDX expression can be met with the allowed licences: any of OR, all of AND."""
    tokens = expression.replace("(", " ( ").replace(")", " ) ").split()

    def alternatives() -> bool:
        met = parts()
        while tokens[:1] == ["OR"]:
            tokens.pop(0)
            met = parts() or met
        return met

    def parts() -> bool:
        met = single()
        while tokens[:1] == ["AND"]:
            tokens.pop(0)
            met = single() and met
        return met

    def single() -> bool:
        token = tokens.pop(0)
        if token == "(":
            met = alternatives()
            tokens.pop(0)
            return met
        if tokens[:1] == ["WITH"]:
            token = " ".join([token, tokens.pop(0), tokens.pop(0)])
        return token in allowed

    return expression in allowed or alternatives()


def spdx(text: str, wordings: Mapping[str, str]) -> str | None:
    """Return a licence as a canonical SPDX expression, or None where no wording explains the text."""
    try:
        return str(canonicalize_license_expression(wordings.get(text, text)))
    except InvalidLicenseExpression:
        return None


def stated(metadata: Any, wordings: Mapping[str, str]) -> str | None:
    """Return the licence that a distribution's core metadata states, as SPDX, or None."""
    for key in ("License-Expression", "License"):
        if (text := metadata.get(key)) and (licence := spdx(text, wordings)):
            return licence
    named = [text for text in metadata.get_all("Classifier") or [] if text in wordings]
    return spdx(" AND ".join(wordings[text] for text in named), wordings) if named else None


def licence_of(name: str, installed: Distribution | None, data: Data) -> str | None:
    """Return a distribution's licence as SPDX: from scripts/licences.toml, else from its metadata."""
    if entry := data.entry("licences", name):
        return spdx(entry["licence"], {})
    return stated(installed.metadata, data.wordings) if installed else None


def licence_problems(name: str, licence: str | None, data: Data) -> Iterator[str]:
    """Say what is wrong with a dependency's licence."""
    if licence is None:
        yield f"{name}: no known licence. Run `make setup`, or name the licence in {DATA}, [[licences]]."
    elif "AGPL" in licence:
        yield f"{name}: {licence} is never accepted. Use another package."
    elif not permitted(licence, data.permissive):
        entry = data.entry("accepted", name)
        if entry is None or entry["licence"] != licence:
            yield f"{name}: {licence} is not allowed. Replace it, or justify it in {DATA}, [[accepted]]."


def use_problems(name: str, data: Data) -> Iterator[str]:
    """Say what is missing about a direct dependency or a package of weights."""
    if not data.used.get(name):
        yield f"{name}: nothing says how it is used. Add a short phrase to {DATA}, [used]."


def release_problems(name: str, version: str, data: Data) -> Iterator[str]:
    """Say whether the release date is that of the version in use."""
    if data.released.get(name, {}).get("version") != version:
        yield f"{name} {version}: no release date. Run `.venv/bin/python scripts/licences.py --refresh`."


def version_problems(name: str, version: str, installed: Distribution) -> Iterator[str]:
    """Say whether another version is installed than the pinned one, whose licence may differ."""
    # `==2.0` also accepts a build of its own, such as 2.0+cpu.
    if not SpecifierSet(f"=={version}").contains(installed.version, prereleases=True):
        yield (
            f"{name}: {installed.version} is installed, but {version} is pinned, and the licence is read "
            "from what is installed. Run `make setup`."
        )


def inside_problems(name: str, installed: Distribution, data: Data) -> Iterator[str]:
    """Say what an installed distribution contains that scripts/licences.toml does not name or allow."""
    files = [str(file) for file in installed.files or []]
    entry = next((entry for entry in data.inside if entry["distribution"] == name), None)
    if entry is None:
        if name not in data.own_code.get("distributions", []) and any(map(_COMPILED.search, files)):
            yield f"{name}: its wheel is compiled. Say what is in it in {DATA}, [[inside]] or [own_code]."
        entry = {"parts": {}}
    named = {part for parts in entry["parts"].values() for part in parts} | set(entry.get("absent", {}))
    copied = {match[1] for file in files if (match := _COPIED.search(file))}
    for library in sorted(copied - named):
        yield f"{name}: its wheel contains {library}. Name it with its licence in {DATA}, [[inside]]."
    for component, licence in _components(installed):
        expression = spdx(licence, data.wordings)
        if component not in named and not (expression and permitted(expression, data.permissive)):
            yield f"{name}: its wheel lists {component} under {licence}. Name it in {DATA}, [[inside]]."


def _components(installed: Distribution) -> Iterator[tuple[str, str]]:
    """Yield name and licence from the lists of components (CycloneDX) in a wheel."""
    for file in installed.files or []:
        if file.parent.name == "sboms" and file.name.endswith(".cdx.json"):
            for component in json.loads(file.read_text(encoding="utf-8")).get("components", []):
                for choice in component.get("licenses", []):
                    licence = choice.get("license", {})
                    yield (
                        component["name"],
                        choice.get("expression") or licence.get("id") or licence.get("name"),
                    )


def part_problems(entry: Mapping[str, Any], data: Data) -> Iterator[str]:
    """Say which parts of a wheel may be in the server's process but must not."""
    for licence, parts in entry["parts"].items():
        free = permitted(licence, [*data.permissive, *data.shared_library])
        if spdx(licence, {}) is None or not (free or entry.get("modules")):
            named = ", ".join(parts)
            yield (
                f"{entry['distribution']} contains {named} under {licence}: keep it out of the server's "
                f"process and name its `modules` in {DATA}, [[inside]]."
            )


def kept_apart(data: Data) -> dict[str, list[str]]:
    """Return the distributions that the server's own process must not import, with their Python modules."""
    return {entry["distribution"]: entry["modules"] for entry in data.inside if entry.get("modules")}


def weight_problems(source: str, licence: str, data: Data) -> Iterator[str]:
    """Say what is wrong with the licence of a source of weights."""
    expression = spdx(licence, data.weight_wordings)
    if expression is None:
        yield f"{source}: no known licence ({licence!r}). Give its card an SPDX expression."
    elif not permitted(expression, data.permissive):
        yield f"{source}: weights under {expression} are not allowed. Use others."


def pins(files: Iterable[str], root: Path = ROOT) -> dict[str, Pin]:
    """Return what files in requirements/ pin, by canonical name."""
    pinned: dict[str, Pin] = {}
    for file in files:
        needed_by: set[str] = set()
        for line in (root / "requirements" / file).read_text(encoding="utf-8").splitlines():
            if match := _PINNED.match(line):
                pin = pinned.setdefault(canonicalize_name(match[1]), Pin(match[2], match[3] or "", set()))
                needed_by = pin.needed_by
            elif match := _NEEDED_BY.match(line):
                needed_by.add(match[1])
    return pinned


def reachable(start: Iterable[str], pinned: Mapping[str, Pin]) -> dict[str, Pin]:
    """Return the pins that some packages need, and these themselves."""
    names = set(start)
    while more := {name for name, pin in pinned.items() if pin.needed_by & names} - names:
        names |= more
    return {name: pin for name, pin in pinned.items() if name in names}


def declared(root: Path = ROOT) -> Iterator[tuple[str, Requirement]]:
    """Yield what our distributions declare, each with its distribution or extra, but not each other."""
    projects = {
        folder: tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        for folder in DISTRIBUTIONS
        if (path := root / folder / "pyproject.toml").exists()
    }
    own = {canonicalize_name(project["name"]) for project in projects.values()}
    for folder, project in projects.items():
        groups = {folder: project.get("dependencies", [])}
        groups |= {
            f"{folder}[{extra}]": named for extra, named in project.get("optional-dependencies", {}).items()
        }
        for label, texts in groups.items():
            for requirement in map(Requirement, texts):
                if canonicalize_name(requirement.name) not in own:
                    yield label, requirement


def direct(root: Path = ROOT) -> dict[str, list[str]]:
    """Return each direct dependency's canonical name, with the distributions and extras that declare it."""
    labels: dict[str, list[str]] = {}
    for label, requirement in declared(root):
        labels.setdefault(canonicalize_name(requirement.name), []).append(label)
    for name in pins(["alone.txt"], root):
        labels.setdefault(name, ["pocket"])
    return labels


def required(root: Path = ROOT) -> dict[str, str]:
    """Return what the default install needs on this machine, each with the package that needs it.

    The metadata of what is installed says what a package needs. A package of alone.txt is installed without
    its dependencies, so they are not followed.
    """
    waiting = [
        (label, requirement)
        for label, requirement in declared(root)
        if label != LOCAL and _applies(requirement, "")
    ]
    needed_by: dict[str, str] = {}
    followed: set[tuple[str, str]] = set()
    while waiting:
        label, requirement = waiting.pop(0)
        name = canonicalize_name(requirement.name)
        needed_by.setdefault(name, label)
        needs = map(Requirement, wheel.requires or []) if (wheel := installed(name)) else ()
        extras = {"", *requirement.extras}
        new = {extra for extra in extras if (name, extra) not in followed}
        followed |= {(name, extra) for extra in new}
        waiting += [(name, one) for one in needs if any(_applies(one, extra) for extra in new)]
    return needed_by


def _applies(requirement: Requirement, extra: str) -> bool:
    """Say whether a requirement is one of this machine, with an extra of the package that declares it."""
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def weights(root: Path = ROOT) -> dict[str, Weights]:
    """Return the sources of weights that the model cards name."""
    sources: dict[str, Weights] = {}
    for path in sorted(root.glob("*/src/**/cards/*.toml"), key=lambda path: path.name):
        card = tomllib.loads(path.read_text(encoding="utf-8"))
        if held := card.get("weights"):
            source = sources.setdefault(held["source"], Weights([], held["bytes"], False, []))
            if (licence := held.get("licence", "")) not in source.licences:
                source.licences.append(licence)
            source.pocket = source.pocket or held.get("pocket", False)
            source.models.append(card["id"])
    return dict(sorted(sources.items()))


def package_of(source: str) -> tuple[str, str]:
    """Return name and version of ``pypi:name==1.0`` or ``npm:name@1.0``; other sources have no version."""
    kind, _, rest = source.partition(":")
    if kind not in ("pypi", "npm"):
        return source, ""
    name, _, version = rest.rpartition("==" if kind == "pypi" else "@")
    return name, version


def installed(name: str) -> Distribution | None:
    """Return a distribution of this environment, if it is there."""
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


@dataclass
class Inventory:
    """Everything the page is made of."""

    data: Data
    base: dict[str, Pin]
    local: dict[str, Pin]
    direct: dict[str, list[str]]
    weights: dict[str, Weights]
    required: dict[str, str] = field(default_factory=dict)

    def licence(self, name: str) -> str | None:
        """Return a pinned distribution's licence."""
        return licence_of(name, installed(name), self.data)

    def problems(self) -> Iterator[str]:
        """Say everything that is unknown, not allowed or superfluous."""
        data, pinned = self.data, self.base | self.local
        for name, pin in sorted(pinned.items()):
            yield from licence_problems(name, self.licence(name), data)
            yield from release_problems(name, pin.version, data)
            if wheel := installed(name):
                if name in self.base or data.entry("licences", name) is None:
                    yield from version_problems(name, pin.version, wheel)
                if name in self.base:
                    yield from inside_problems(name, wheel, data)
        for name in sorted(self.required.keys() - self.base.keys()):
            yield (
                f"{name}: {self.required[name]} needs it, but requirements/run.txt does not pin it. "
                "Run `make lock ARGS=`."
            )
        for name in sorted(self.direct):
            yield from use_problems(name, data)
            if name not in pinned and name not in self.required:
                yield f"{name}: not pinned in requirements/. Run `make lock ARGS=`."
        for source, held in self.weights.items():
            name, version = package_of(source)
            for licence in held.licences:
                yield from weight_problems(source, licence, data)
            yield from use_problems(name, data)
            if version:
                yield from release_problems(name, version, data)
        for entry in data.inside:
            yield from part_problems(entry, data)
        packages = {package_of(source)[0] for source in self.weights}
        by_hand = {name for entry in [*data.licences, *data.accepted] for name in entry["distributions"]}
        by_hand |= {entry["distribution"] for entry in data.inside} | set(
            data.own_code.get("distributions", [])
        )
        for name in sorted((by_hand - pinned.keys()) | (data.used.keys() - self.direct.keys() - packages)):
            yield f"{name}: in {DATA}, but nothing needs it. Remove it there."


def read(root: Path = ROOT) -> Inventory:
    """Read the repository's files."""
    data = Data(**tomllib.loads((root / DATA).read_text(encoding="utf-8")))
    base, ours = pins(PINS, root), direct(root)
    # The file of `local` pins what its tests need, too.
    local = reachable(ours, pins(LOCAL_PINS, root))
    local = {name: pin for name, pin in local.items() if name not in base}
    return Inventory(data, base, local, ours, weights(root), required(root))
