"""A still life: one ware on a table, a window's light, a soft wall. Ray-marched, then refined at edges."""

import math

import numpy as np

from ..brief import Brief
from ..canvas import Band, Frame, luminance, smooth
from ..colour import mix, rgb, turn
from ..noise import Dice, Plane, tile
from ..palette import Palette
from ..solid import Vec, along, cross, dot, march, normals, shadow, span, unit
from .surfaces import Materials, Table, Window
from .wares import Ware, ware

_WALL = 3.1
_EDGE = 0.1  # step in the square root of luminance that makes a pixel worth refining
_OFFSETS = ((-0.36, -0.14), (0.14, -0.36), (-0.14, 0.36), (0.36, 0.14))


class Product:
    """The scene, ready for a frame."""

    def __init__(self, brief: Brief, palette: Palette, dice: Dice, frame: Frame) -> None:
        """Set the table: choose the ware, the camera, the window."""
        self._palette = palette
        self._ware: Ware = ware(brief, dice)
        view = dice.fork("camera")
        bound = self._ware.bound
        height = view.between(0.62, 1.1) + bound.height
        distance = 4.6
        tall = max(bound.height, bound.radius * 1.25)
        zoom = (
            (1.06 if frame.ay > 1.2 else 1.0) * view.between(0.96, 1.06) / max(0.84, tall) ** 0.9 * distance
        )
        aim = bound.height * 0.5 + (0.06 if frame.ax > 1.2 else 0.1) * view.between(0.6, 1.4)
        self._eye = (0.0, height, -distance)
        forward = unit((0.0, aim - height, distance))
        right = (1.0, 0.0, 0.0)
        up = cross(forward, right)
        self._forward = tuple(part * zoom for part in forward)
        self._up = up
        # Wide pictures set the ware off the middle, on the side away from its shadow.
        light = dice.fork("sun")
        side = light.sign()
        turn_to = math.radians(light.between(48, 96))
        rise = math.radians(light.between(27, 38))
        self._sun = unit(
            (side * math.sin(turn_to) * math.cos(rise), math.sin(rise), -math.cos(turn_to) * math.cos(rise))
        )
        self._shift = side * (0.16 + 0.32 * (frame.ax - 1.0)) * (1.0 if frame.ay < 1.2 else 0.3)
        self._window = Window(palette, self._sun, bound.height, dice.fork("window"))
        self._table = Table(brief, palette, dice.fork("table"))
        self._materials = Materials(brief, palette, self._ware, dice.fork("materials"))
        self._plaster = tile(dice.fork("plaster"), cells=3, octaves=6)
        self._haze = dice.fork("haze").between(0.05, 0.11) * (1.4 if palette.light.dark else 1.0)
        self._wall = palette.wall
        self._ambient = mix(turn(palette.shade, saturation=0.5), rgb("#ffffff"), 0.35) * 0.42
        if palette.name == "neon":
            self._ambient = rgb("#2f7fd8") * 0.5
        self._patch = -side * view.between(0.7, 1.5), view.between(1.5, 2.1)
        self._sunlight = palette.sun * 3.6
        self._steam = (
            tile(dice.fork("steam"), cells=3, octaves=4)
            if self._ware.steams and "dry" not in brief.extras
            else None
        )

    @property
    def steams(self) -> tuple[float, float, float] | None:
        """Where steam leaves the ware, in picture units, and the scale of things there."""
        if not self._ware.steams:
            return None
        scale = float(np.linalg.norm(self._forward)) / 4.7
        return -self._shift, self._ware.bound.height * 0.46 * scale, scale

    def behind(self, band: Band) -> Plane:
        """The table and the wall, with the ware's shadow but without the ware."""
        shape = (band.rows, band.frame.width)
        x, y = (np.broadcast_to(axis, shape).ravel() for axis in (band.x, band.y))
        rays = self._rays(x + self._shift, y)
        eye = tuple(np.full_like(x, part) for part in self._eye)
        picture = self._room((eye[0], eye[1], eye[2]), rays).reshape(3, *shape)
        self._air(picture, band)
        return picture

    def shade(self, band: Band) -> Plane:
        """Paint the band, then look again, four times finer, at every pixel on an edge."""
        grown = band.grown(1)
        shape = (grown.rows, band.frame.width)
        x = np.broadcast_to(grown.x, shape)
        y = np.broadcast_to(grown.y, shape)
        picture = self._look(x.ravel(), y.ravel()).reshape(3, *shape)
        shown = np.sqrt(np.minimum(luminance(picture), 2.0))
        step = np.zeros(shape, dtype=np.float32)
        down, across = np.abs(np.diff(shown, axis=0)), np.abs(np.diff(shown, axis=1))
        step[1:] = down
        step[:-1] = np.maximum(step[:-1], down)
        step[:, 1:] = np.maximum(step[:, 1:], across)
        step[:, :-1] = np.maximum(step[:, :-1], across)
        rough = (step > _EDGE)[1:-1]
        picture = np.ascontiguousarray(picture[:, 1:-1])
        rows, columns = np.nonzero(rough)
        if rows.size:
            ex, ey = x[1:-1][rows, columns], y[1:-1][rows, columns]
            total = np.zeros((3, rows.size), dtype=np.float32)
            for dx, dy in _OFFSETS:
                sample = self._look(ex + (dx * band.px), ey + (dy * band.px))
                total += np.minimum(sample, 4.0)
            picture[:, rows, columns] = total * 0.25
        self._air(picture, band)
        return picture

    def _look(self, x: Plane, y: Plane) -> Plane:
        """Light along the rays through flat arrays of picture points, shape (3, n)."""
        x = x + self._shift
        direction = self._rays(x, y)
        eye = tuple(np.full_like(x, part) for part in self._eye)
        origin: Vec = (eye[0], eye[1], eye[2])
        start, end = span(self._ware.bound, origin, direction)
        hit = march(self._ware.shape, origin, direction, start, end)
        solid = np.isfinite(hit)
        picture = np.empty((3, x.size), dtype=np.float32)
        rest = ~solid
        picture[:, rest] = self._room(origin, tuple(part[rest] for part in direction))  # type: ignore[arg-type]
        if solid.any():
            rays: Vec = direction[0][solid], direction[1][solid], direction[2][solid]
            start_at: Vec = origin[0][solid], origin[1][solid], origin[2][solid]
            picture[:, solid] = self._solid(along(start_at, rays, hit[solid]), rays)
        return picture

    def _rays(self, x: Plane, y: Plane) -> Vec:
        fx, fy, fz = self._forward
        direction: Vec = (x + fx, y * self._up[1] + fy,
                          y * self._up[2] + fz)  # fmt: skip
        scale = 1.0 / np.sqrt(dot(direction, direction))
        return direction[0] * scale, direction[1] * scale, direction[2] * scale

    def _room(self, origin: Vec, rays: tuple[Plane, ...]) -> Plane:
        """Table and wall, which melt into each other out of focus."""
        dx, dy, dz = rays
        ex, ey, ez = self._eye
        down = np.minimum(dy, (-1e-3))
        t = -ey / down
        z = ez + dz * t
        on_table = 1.0 - smooth(_WALL - 0.75, _WALL + 0.1, z)
        on_table *= dy < -1e-3
        picture = self._wall_light(dx, dy, dz) * (1.0 - on_table)
        near = on_table > 0.0
        if near.any():
            tx, tz = (ex + dx * t)[near], z[near]
            picture[:, near] += self._table_light(tx, tz, (dx[near], dy[near], dz[near])) * on_table[near]
        return picture

    def _wall_light(self, dx: Plane, dy: Plane, dz: Plane) -> Plane:
        ex, ey, ez = self._eye
        t = (_WALL + 0.6 - ez) / np.maximum(dz, 1e-3)
        p: Vec = (ex + dx * t, ey + dy * t, np.full_like(t, _WALL + 0.6))
        # The same window once more, thrown onto the wall and out of focus.
        middle, level = self._patch
        side = float(np.sign(self._sun[0]))
        sun = self._window.thrown((p[0] - middle) + side * 0.4 * (p[1] - level), p[1] - level)
        rough = self._plaster.at(p[0] * 0.13, p[1] * 0.13)
        albedo = 1.0 + 0.05 * rough
        sky = 0.66 + 0.24 * smooth(0.0, 3.0, p[1])
        sky = sky + 0.2 * smooth(-3.0, 3.0, p[0] * side)
        picture = np.empty((3, t.size), dtype=np.float32)
        for c in range(3):
            picture[c] = (
                self._wall[c] * albedo * (self._ambient[c] * sky * 1.7 + self._sunlight[c] * sun * 0.24)
            )
        return picture

    def _table_light(self, x: Plane, z: Plane, rays: Vec) -> Plane:
        zero = np.zeros_like(x)
        p: Vec = (x, zero, z)
        lit = self._window.passes(p, 0.02)
        lit *= self._sun[1] * 1.25
        bound = self._ware.bound
        flat = math.hypot(self._sun[0], self._sun[2])
        sx, sz = self._sun[0] / flat, self._sun[2] / flat
        reach = bound.radius + 0.15
        length = bound.height / self._sun[1] * flat + reach
        ahead = -(x * sx + z * sz)
        aside = np.abs(x * sz - z * sx)
        dark = (aside < reach) & (ahead > -reach) & (ahead < length)
        if dark.any():
            spot: Vec = x[dark], zero[dark], z[dark]
            lit[dark] *= shadow(
                self._ware.shape, spot, self._sun, bound.height / self._sun[1] + 0.4, self._window.hardness
            )
        close = np.ones_like(x)
        around = np.maximum(np.abs(x), np.abs(z)) < bound.radius + 0.55
        if around.any():
            spot = x[around], zero[around] + 0.03, z[around]
            gap = np.maximum(self._ware.shape(spot), 0.0)
            close[around] = 0.28 + 0.72 * (1.0 - np.exp(gap * -7.0))
        albedo, gloss = self._table.colour(x, z)
        shine = self._mirror(x, z, rays, close) * gloss
        sky = close * 0.62
        picture = np.empty((3, x.size), dtype=np.float32)
        for c in range(3):
            picture[c] = albedo[c] * (self._ambient[c] * sky + self._sunlight[c] * lit)
            picture[c] += shine * (self._wall[c] * self._ambient[c] * 1.6 + self._sunlight[c] * lit * 0.05)
        return picture

    def _mirror(self, x: Plane, z: Plane, rays: Vec, close: Plane) -> Plane:
        """Fresnel sheen of the table, dimmed where the ware would be mirrored."""
        grazing = 1.0 - np.abs(rays[1])
        squared = grazing * grazing
        return (0.03 + 0.6 * squared * squared * grazing) * close

    def _solid(self, p: Vec, rays: Vec) -> Plane:
        """Light from the ware itself."""
        normal = normals(self._ware.shape, p)
        facing = np.maximum(dot(normal, self._sun), 0.0)
        seen = np.zeros_like(facing)
        toward = facing > 0.0
        if toward.any():
            lifted: Vec = tuple(part[toward] + n[toward] * 0.012
                                for part, n in zip(p, normal, strict=True))  # type: ignore[assignment]  # fmt: skip
            seen[toward] = shadow(self._ware.shape, lifted, self._sun, 1.6, self._window.hardness)
            seen[toward] *= self._window.passes(lifted, 0.02)
        out: Vec = tuple(part + n * 0.16 for part, n in zip(p, normal, strict=True))  # type: ignore[assignment]
        near = np.clip(self._ware.shape(out) * (1.0 / 0.16), 0.0, 1.0)
        floor = 1.0 - np.exp(np.maximum(p[1], 0.0) * -5.0)
        hollow = near * (0.35 + 0.65 * floor)
        up = normal[1] * 0.5 + 0.5
        front = np.maximum(-normal[2], 0.0)
        sideways = normal[0] * np.float32(np.sign(self._sun[0]))
        sky = (0.42 + 0.4 * up + 0.3 * sideways + 0.1 * front) * hollow
        bounce = (1.0 - up) * hollow * np.exp(-np.maximum(p[1], 0.0)) * 0.85
        bounce = np.maximum(bounce, 0.0)
        albedo, gloss, through = self._materials.colour(p, normal, self._sun)
        facing_ray = dot(normal, rays)
        mirrored: Vec = tuple(d - 2.0 * facing_ray * n
                              for d, n in zip(rays, normal, strict=True))  # type: ignore[assignment]  # fmt: skip
        edge = np.clip(1.0 + facing_ray, 0.0, 1.0)
        edge2 = edge * edge
        fresnel = (0.04 + 0.7 * edge2 * edge2 * edge) * gloss * (0.3 + 0.7 * near)
        panes, room = self._window.reflection(mirrored)
        sun = facing * seen
        table = self._table.mean
        picture = np.empty((3, p[0].size), dtype=np.float32)
        for c in range(3):
            light = self._ambient[c] * sky * 1.15 + self._sunlight[c] * sun
            light += self._sunlight[c] * table[c] * bounce * 0.42
            shine = panes * self._sunlight[c] * 2.2 + room * self._wall[c] * 0.5
            picture[c] = albedo[c] * light + fresnel * shine
            picture[c] += through[c] * self._sunlight[c] * 0.5
        return picture

    def _air(self, picture: Plane, band: Band) -> None:
        """Shafts of light and steam: soft things, laid over the finished band."""
        x = np.broadcast_to(band.x, picture.shape[1:])
        beam = self._window.shaft(x, band.y)
        for c in range(3):
            picture[c] += self._palette.sun[c] * beam * self._haze
        if self._ware.flame > 0.0:
            self._flame(picture, band)
        if self._steam is None:
            return
        bound = self._ware.bound
        scale = float(np.linalg.norm(self._forward)) / 4.7
        base = (bound.height * 0.46) * scale
        px = (band.x + self._shift) * (1.0 / scale)
        py = (band.y - base) * (1.0 / scale)
        rise = smooth(-0.05, 0.22, py) * smooth(0.95, 0.25, py)
        if not rise.any():
            return
        sway = self._steam.at(np.zeros_like(py) + 0.3, py * 0.35) * 0.16
        wide = 0.16 + np.maximum(py, 0.0) * 0.16
        off = (px - sway * np.maximum(py, 0.0) * 1.6) / wide
        curl = self._steam.at(px * 0.5 + sway, py * 0.22)
        thread = np.maximum(1.0 - np.abs(curl * 2.4 + off * 0.6), 0.0)
        wisp = thread * thread * np.exp(-off * off) * rise * 0.2
        for c in range(3):
            picture[c] += wisp * self._palette.sun[c] * 0.75

    def _flame(self, picture: Plane, band: Band) -> None:
        """A candle's flame and the light it sheds on the air around it."""
        fx, fy, fz = self._forward
        scale = math.sqrt(fx * fx + fy * fy + fz * fz) / 4.7
        up = (self._ware.flame - self._ware.bound.height * 0.5) * scale + 0.03
        dx = (band.x + self._shift) * (1.0 / scale)
        dy = (band.y - up) * (1.0 / scale)
        wide = 0.036 * np.clip(1.0 - dy * 4.5, 0.15, 1.5)
        body = np.exp(-((dx / wide) ** 2) - (dy * 11.0) ** 2)
        halo = np.exp(np.sqrt(dx * dx + dy * dy) * -3.2) * 0.35
        warm = rgb("#ffb04a")
        for c in range(3):
            picture[c] += body * (warm[c] * 4.0 + 0.8) + halo * warm[c]
