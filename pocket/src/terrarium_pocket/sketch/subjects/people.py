"""People so far away that they have no face: a walker, someone under an umbrella."""

from collections.abc import Callable, Mapping

from ..noise import SeededRandom
from .figure import Figure, Part, blob, disc, limb


def _body(coat: str, legs: str, hat: str) -> tuple[Part, ...]:
    """Someone who walks away to the right, in a long coat."""
    return (
        Part((limb((-0.02, 0.46, 0.062), (-0.075, 0.25, 0.045), (-0.15, 0.06, 0.033),
            (-0.115, 0.025, 0.024)),), legs, shade=0.6,
             swell=0.05),
        Part((limb((0.0, 0.46, 0.065), (0.055, 0.26, 0.048), (0.07, 0.05, 0.034), (0.125, 0.024, 0.026)),),
            legs, swell=0.05),
        Part((blob((-0.085, 0.79), (-0.125, 0.6), (-0.15, 0.36), (-0.07, 0.335), (0.05, 0.345),
            (0.135, 0.375), (0.1, 0.6), (0.085, 0.78),
                   (0.03, 0.83), (-0.03, 0.83)),), coat, swell=0.09),
        Part((limb((0.0, 0.82, 0.04), (0.01, 0.88, 0.04)),), "#c39a7c", swell=0.04),
        Part((disc(0.015, 0.915, 0.062),), "#c39a7c", swell=0.06),
        Part((blob((-0.055, 0.905), (-0.05, 0.97), (0.01, 0.995), (0.065, 0.965), (0.078, 0.925),
            (0.0, 0.935)),), hat, swell=0.05),
        Part((limb((-0.05, 0.835, 0.035), (0.06, 0.84, 0.032)), limb((-0.04, 0.82, 0.025),
            (-0.13, 0.74, 0.02), (-0.19, 0.72, 0.01))), hat,
             swell=0.04),
    )  # fmt: skip


def walker(rng: SeededRandom) -> Figure:
    """Someone on foot, with a pack and a scarf in the wind."""
    coat, legs, hat = rng.pick(
        (
            ("#a3342a", "#2a2c34", "#26282e"),
            ("#2f4a5e", "#2b2522", "#b8462f"),
            ("#b8862f", "#2a2c34", "#3a2c28"),
        )
    )
    pack = Part(
        (blob((-0.09, 0.79), (-0.18, 0.76), (-0.205, 0.62), (-0.17, 0.53), (-0.09, 0.53)),),
        "#5a4a38",
        swell=0.05,
    )
    arm = Part(
        (limb((0.03, 0.76, 0.034), (0.085, 0.62, 0.029), (0.15, 0.53, 0.024)),), coat, shade=0.85, swell=0.04
    )
    stick = Part((limb((0.15, 0.6, 0.008), (0.21, 0.0, 0.007)),), "#4a3626", "flat")
    return Figure((*_body(coat, legs, hat), pack, stick, arm), 0.4)


def umbrella(rng: SeededRandom) -> Figure:
    """Someone under an umbrella."""
    cover = rng.pick(("#c8302a", "#e0a830", "#d8552f"))
    arm = Part(
        (limb((0.03, 0.76, 0.034), (0.1, 0.68, 0.028), (0.09, 0.78, 0.022)),),
        "#2a2d34",
        shade=0.85,
        swell=0.04,
    )
    handle = Part((limb((0.09, 0.7, 0.007), (0.06, 1.2, 0.006)),), "#2a2420", "flat")
    canopy = blob((-0.33, 1.02), (-0.26, 1.16), (-0.1, 1.265), (0.07, 1.295), (0.24, 1.255), (0.38, 1.13),
        (0.43, 0.985), (0.34, 1.03),
                  (0.24, 1.0), (0.14, 1.045), (0.03, 1.01), (-0.08, 1.055), (-0.2, 1.015))  # fmt: skip
    rib = Part((limb((0.065, 1.29, 0.004), (0.03, 1.02, 0.004)), limb((0.065, 1.29, 0.004),
        (0.24, 1.0, 0.004)),
                limb((0.065, 1.29, 0.004), (-0.2, 1.0, 0.004))), "#1c1614", "patch", soft=0.006)  # fmt: skip
    tip = Part((limb((0.065, 1.28, 0.006), (0.075, 1.34, 0.003)),), "#2a2420", "flat")
    return Figure(
        (handle, *_body("#2a2d34", "#1f2026", "#3a332e"), arm, tip, Part((canopy,), cover, swell=0.12), rib),
        0.36,
    )


PEOPLE: Mapping[str, Callable[[SeededRandom], Figure]] = {"walker": walker, "umbrella": umbrella}
