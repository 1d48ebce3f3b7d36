"""A still life: one ware on a table in the light of a window. Ray-marched, with antialiasing at edges."""

import math

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array
from ..canvas import Band, Frame, luminance, smoothstep
from ..colour import mix, rgb, turn
from ..noise import SeededRandom, fractal_noise
from ..palette import Palette
from ..prompt import ParsedPrompt
from ..raymarching import Vec, along, cone_march, cross, dot, intersect_bound, march, normals, unit
from .shadows import GroundOcclusion, ShadowMap
from .surfaces import Materials, Table, Window
from .ware import Ware
from .wares import make_ware

_WALL = 3.1
_EDGE = 0.12  # step in the square root of luminance at which a pixel is supersampled
_BLOCKS = (16, 4)  # pixels on each side of a block that is marched as one cone
# Three more samples around the centre of a pixel on an edge, on no common row or column.
_OFFSETS = ((-0.36, -0.14), (0.27, -0.31), (0.12, 0.38))


class Product:
    """The scene, ready for a frame."""

    def __init__(self, prompt: ParsedPrompt, palette: Palette, rng: SeededRandom, frame: Frame) -> None:
        """Choose the ware, the camera, the window and the materials."""
        self._palette = palette
        self._ware: Ware = make_ware(prompt, rng)
        view = rng.fork("camera")
        bound = self._ware.bound
        height = view.between(0.62, 1.1) + bound.height + self._ware.above
        distance = 4.6
        tall = max(bound.height, bound.radius * 1.25)
        zoom = (
            self._ware.near
            * (1.06 if frame.half_height > 1.2 else 1.0)
            * view.between(0.96, 1.06)
            / max(0.84, tall) ** 0.9
            * distance
        )
        aim = bound.height * 0.5 + (0.06 if frame.half_width > 1.2 else 0.1) * view.between(0.6, 1.4)
        self._eye = (0.0, height, -distance)
        forward = unit((0.0, aim - height, distance))
        right = (1.0, 0.0, 0.0)
        up = cross(forward, right)
        self._forward = tuple(part * zoom for part in forward)
        self._up = up
        # In wide pictures the ware is off centre, on the side away from its shadow.
        light = rng.fork("sun")
        side = light.sign()
        turn_to = math.radians(light.between(48, 96))
        rise = math.radians(light.between(27, 38))
        self._sun = unit(
            (side * math.sin(turn_to) * math.cos(rise), math.sin(rise), -math.cos(turn_to) * math.cos(rise))
        )
        self._shift = (
            side * (0.16 + 0.32 * (frame.half_width - 1.0)) * (1.0 if frame.half_height < 1.2 else 0.3)
        )
        self._window = Window(palette, self._sun, bound.height, rng.fork("window"))
        step = frame.px * distance / zoom
        self._close = min(0.0018, max(0.0012, 0.5 * step))
        self._occlusion = GroundOcclusion(self._ware.shape, bound, step)
        self._shadow_map = ShadowMap(self._ware.shape, bound, self._sun, self._window.penumbra, step * 1.6)
        self._table = Table(prompt, palette, rng.fork("table"))
        self._materials = Materials(prompt, palette, self._ware, rng.fork("materials"))
        self._plaster = fractal_noise(rng.fork("plaster"), cells=3, octaves=6)
        self._haze = rng.fork("haze").between(0.05, 0.11) * (1.4 if palette.light.dark else 1.0)
        self._wall = palette.wall
        self._ambient = mix(turn(palette.shade, saturation=0.5), rgb("#ffffff"), 0.35) * 0.42
        if palette.name == "neon":
            self._ambient = rgb("#2f7fd8") * 0.5
        # Steam is visible in front of the dark part of the wall.
        aside = 0.8 if self._ware.steams else 0.0
        self._patch = -side * (view.between(0.7, 1.5) + aside), view.between(1.5, 2.1)
        self._sunlight = palette.sun * 3.6
        self._vapour = 3.0 if "steam" in prompt.extras else 1.2
        self._steam = (
            fractal_noise(rng.fork("steam"), cells=3, octaves=4)
            if self._ware.steams and "dry" not in prompt.extras
            else None
        )

    @property
    def steams(self) -> tuple[float, float, float] | None:
        """Where steam leaves the ware, in picture units, and the scale there."""
        if not self._ware.steams:
            return None
        scale = float(np.linalg.norm(self._forward)) / 4.7
        return -self._shift, self._ware.bound.height * 0.46 * scale, scale

    def background(self, band: Band) -> Array:
        """The table and the wall, with the ware's shadow but without the ware."""
        shape = (band.rows, band.frame.width)
        x, y = (np.broadcast_to(axis, shape).ravel() for axis in (band.x, band.y))
        rays = self._rays(x + self._shift, y)
        picture = self._table_and_wall(rays).reshape(3, *shape)
        self._add_air(picture, band)
        return picture

    def shade(self, band: Band) -> Array:
        """Trace the band, then three more samples for every pixel on an edge."""
        grown = band.grown(1)
        shape = (grown.rows, band.frame.width)
        x = np.broadcast_to(grown.x, shape)
        y = np.broadcast_to(grown.y, shape)
        free = self._free_distances(grown)
        picture = self._trace(x.ravel(), y.ravel(), free.ravel()).reshape(3, *shape)
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
            safe = free[1:-1][rows, columns]
            total = np.minimum(picture[:, rows, columns], 4.0)
            for dx, dy in _OFFSETS:
                sample = self._trace(ex + (dx * band.px), ey + (dy * band.px), safe)
                total += np.minimum(sample, 4.0)
            picture[:, rows, columns] = total * 0.25
        self._add_air(picture, band)
        return picture

    def _free_distances(self, band: Band) -> Array:
        """How far the ray of each pixel goes without a hit, by cone marching of large, then small blocks."""
        # Blocks are aligned to the whole picture, so that neighbouring bands agree.
        largest = _BLOCKS[0]
        top = band.top // largest * largest
        rows = -(-(band.top + band.rows - top) // largest) * largest
        columns = -(-band.frame.width // largest) * largest
        free: Array = np.zeros((rows // largest, columns // largest), dtype=np.float32)
        block = largest
        for finer in _BLOCKS:
            free = free.repeat(block // finer, axis=0).repeat(block // finer, axis=1)
            block = finer
            half = 0.5 * block * band.px
            across = (
                np.arange(columns // block, dtype=np.float32) * (block * band.px)
                + half
                - band.frame.half_width
            )
            down = (
                band.frame.half_height
                - (np.arange(rows // block, dtype=np.float32) * block + top) * band.px
                - half
            )
            x, y = (part.ravel() for part in np.meshgrid(across, down))
            direction = self._rays(x + self._shift, y)
            origin = self._origin(x.size)
            spread = (1.44 * half + band.px) / math.hypot(*self._forward)
            start, end = intersect_bound(self._ware.bound, origin, direction, spread)
            start = np.maximum(start, free.ravel())
            free = cone_march(self._ware.shape, origin, direction, start, end, spread).reshape(free.shape)
        free = free.repeat(block, axis=0).repeat(block, axis=1)
        skip = band.top - top
        return free[skip : skip + band.rows, : band.frame.width]

    def _origin(self, count: int) -> Vec:
        x, y, z = (np.full(count, part, dtype=np.float32) for part in self._eye)
        return x, y, z

    def _trace(self, x: Array, y: Array, free: Array) -> Array:
        """Light along the rays through picture points, (3, n); up to distance ``free`` they hit nothing."""
        x = x + self._shift
        direction = self._rays(x, y)
        origin = self._origin(x.size)
        hit: Array = np.full(x.size, np.inf, dtype=np.float32)
        near: NDArray[np.intp] = np.nonzero(np.isfinite(free))[0]
        if near.size:
            eyes: Vec = origin[0][near], origin[1][near], origin[2][near]
            toward: Vec = direction[0][near], direction[1][near], direction[2][near]
            start, end = intersect_bound(self._ware.bound, eyes, toward)
            start = np.maximum(start, free[near])
            hit[near] = march(self._ware.shape, eyes, toward, start, end, close=self._close)
        solid = np.isfinite(hit)
        picture = np.empty((3, x.size), dtype=np.float32)
        rest = ~solid
        picture[:, rest] = self._table_and_wall(tuple(part[rest] for part in direction))  # type: ignore[arg-type]
        if solid.any():
            rays: Vec = direction[0][solid], direction[1][solid], direction[2][solid]
            start_at: Vec = origin[0][solid], origin[1][solid], origin[2][solid]
            picture[:, solid] = self._ware_light(along(start_at, rays, hit[solid]), rays)
        return picture

    def _rays(self, x: Array, y: Array) -> Vec:
        fx, fy, fz = self._forward
        direction: Vec = (x + fx, y * self._up[1] + fy,
                          y * self._up[2] + fz)  # fmt: skip
        scale = 1.0 / np.sqrt(dot(direction, direction))
        return direction[0] * scale, direction[1] * scale, direction[2] * scale

    def _table_and_wall(self, rays: tuple[Array, ...]) -> Array:
        """Light of table and wall, which blend into each other out of focus."""
        dx, dy, dz = rays
        ex, ey, ez = self._eye
        down = np.minimum(dy, (-1e-3))
        t = -ey / down
        z = ez + dz * t
        on_table = 1.0 - smoothstep(_WALL - 0.75, _WALL + 0.1, z)
        on_table *= dy < -1e-3
        picture = self._wall_light(dx, dy, dz) * (1.0 - on_table)
        near = on_table > 0.0
        if near.any():
            tx, tz = (ex + dx * t)[near], z[near]
            picture[:, near] += self._table_light(tx, tz, (dx[near], dy[near], dz[near])) * on_table[near]
        return picture

    def _wall_light(self, dx: Array, dy: Array, dz: Array) -> Array:
        ex, ey, ez = self._eye
        t = (_WALL + 0.6 - ez) / np.maximum(dz, 1e-3)
        p: Vec = (ex + dx * t, ey + dy * t, np.full_like(t, _WALL + 0.6))
        # The light of the same window on the wall, out of focus.
        middle, level = self._patch
        side = float(np.sign(self._sun[0]))
        sun = self._window.thrown((p[0] - middle) + side * 0.4 * (p[1] - level), p[1] - level)
        rough = self._plaster.at(p[0] * 0.13, p[1] * 0.13)
        albedo = 1.0 + 0.05 * rough
        sky = 0.66 + 0.24 * smoothstep(0.0, 3.0, p[1])
        sky = sky + 0.2 * smoothstep(-3.0, 3.0, p[0] * side)
        picture = np.empty((3, t.size), dtype=np.float32)
        for c in range(3):
            picture[c] = (
                self._wall[c] * albedo * (self._ambient[c] * sky * 1.7 + self._sunlight[c] * sun * 0.24)
            )
        return picture

    def _table_light(self, x: Array, z: Array, rays: Vec) -> Array:
        zero = np.zeros_like(x)
        p: Vec = (x, zero, z)
        lit = self._window.passes(p, 0.02)
        lit *= self._sun[1] * 1.25
        lit *= self._shadow_map.sunlight(p)
        close = self._occlusion.ambient(x, z)
        albedo, gloss = self._table.colour(x, z)
        shine = self._mirror(x, z, rays, close) * gloss
        sky = close * 0.62
        picture = np.empty((3, x.size), dtype=np.float32)
        for c in range(3):
            picture[c] = albedo[c] * (self._ambient[c] * sky + self._sunlight[c] * lit)
            picture[c] += shine * (self._wall[c] * self._ambient[c] * 1.6 + self._sunlight[c] * lit * 0.05)
        return picture

    def _mirror(self, x: Array, z: Array, rays: Vec, close: Array) -> Array:
        """Fresnel reflection of the table, weaker near the ware."""
        grazing = 1.0 - np.abs(rays[1])
        squared = grazing * grazing
        return (0.03 + 0.6 * squared * squared * grazing) * close

    def _ware_light(self, p: Vec, rays: Vec) -> Array:
        """Light from points of the ware."""
        normal = normals(self._ware.shape, p)
        facing = np.maximum(dot(normal, self._sun), 0.0)
        sunlit = np.zeros_like(facing)
        toward = facing > 0.0
        if toward.any():
            lifted: Vec = tuple(part[toward] + n[toward] * 0.012
                                for part, n in zip(p, normal, strict=True))  # type: ignore[assignment]  # fmt: skip
            sunlit[toward] = self._shadow_map.sunlight(lifted)
            sunlit[toward] *= self._window.passes(lifted, 0.02)
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
        panes, around = self._window.reflection(mirrored)
        sun = facing * sunlit
        table = self._table.mean
        picture = np.empty((3, p[0].size), dtype=np.float32)
        for c in range(3):
            light = self._ambient[c] * sky * 1.15 + self._sunlight[c] * sun
            light += self._sunlight[c] * table[c] * bounce * 0.42
            shine = panes * self._sunlight[c] * 2.2 + around * self._wall[c] * 0.5
            picture[c] = albedo[c] * light + fresnel * shine
            picture[c] += through[c] * self._sunlight[c] * 0.5
        if self._ware.clear is not None:
            self._add_glass(picture, self._ware.clear(p), albedo, rays, normal, fresnel)
        return picture

    def _add_glass(
        self, picture: Array, clear: Array, tint: Array, rays: Vec, normal: Vec, fresnel: Array
    ) -> None:
        """Blend in the background seen through thick glass, refracted and tinted."""
        bent = [ray - n * 0.32 * (1.0 - n * n) for ray, n in zip(rays, normal, strict=True)]
        scale = 1.0 / np.sqrt(bent[0] * bent[0] + bent[1] * bent[1] + bent[2] * bent[2])
        behind = self._table_and_wall((bent[0] * scale, bent[1] * scale, bent[2] * scale))
        keep = clear * (1.0 - np.minimum(fresnel, 0.8))
        for c in range(3):
            picture[c] += (behind[c] * tint[c] * 1.25 + picture[c] * 0.45 - picture[c]) * keep

    def _add_air(self, picture: Array, band: Band) -> None:
        """Add light shafts, flames and steam over the finished band."""
        x = np.broadcast_to(band.x, picture.shape[1:])
        beam = self._window.shaft(x, band.y)
        for c in range(3):
            picture[c] += self._palette.sun[c] * beam * self._haze
        for flame in self._ware.flames:
            self._flame(picture, band, flame)
        if self._steam is None:
            return
        bound = self._ware.bound
        scale = float(np.linalg.norm(self._forward)) / 4.7
        base = (bound.height * 0.46) * scale
        px = (band.x + self._shift) * (1.0 / scale)
        py = (band.y - base) * (1.0 / scale)
        rise = smoothstep(-0.16, 0.12, py) * smoothstep(0.95, 0.2, py)
        if not rise.any():
            return
        up = np.maximum(py, 0.0)
        curl = self._steam.at(px * 0.5, py * 0.22)
        wisp = np.zeros(np.broadcast_shapes(px.shape, py.shape), dtype=np.float32)
        for strand in (0.3, 0.8):
            sway = self._steam.at(np.full_like(py, strand), py * 0.55) * (0.05 + up * 0.26)
            wide = 0.028 + up * 0.075
            off = (px - sway - (strand - 0.5) * 0.24) / wide
            wisp += np.exp(-off * off) * np.clip(0.75 + 0.6 * curl, 0.3, 1.3)
        wisp *= rise * (0.14 * self._vapour)
        for c in range(3):
            picture[c] += wisp * self._palette.sun[c]

    def _flame(self, picture: Array, band: Band, at: tuple[float, float, float]) -> None:
        """Add a candle's flame and its halo."""
        x, y, scale = self._project(at)
        dx = (band.x - x) * (1.0 / scale)
        dy = (band.y - y) * (1.0 / scale) - 0.05
        wide = 0.036 * np.clip(1.0 - dy * 4.5, 0.15, 1.5)
        body = np.exp(-((dx / wide) ** 2) - (dy * 11.0) ** 2)
        share = 1.0 / math.sqrt(len(self._ware.flames))
        halo = np.exp(np.sqrt(dx * dx + dy * dy) * (-3.2 / share)) * (0.35 * share)
        warm = rgb("#ffb04a")
        for c in range(3):
            picture[c] += body * (warm[c] * 2.8 + 0.5) + halo * warm[c]

    def _project(self, at: tuple[float, float, float]) -> tuple[float, float, float]:
        """Projection of a point: x and y in picture units, and the scale there."""
        zoom = math.hypot(*self._forward)
        x, y, z = (part - eye for part, eye in zip(at, self._eye, strict=True))
        depth = (x * self._forward[0] + y * self._forward[1] + z * self._forward[2]) / zoom
        up = x * self._up[0] + y * self._up[1] + z * self._up[2]
        scale = zoom / depth
        return x * scale - self._shift, up * scale, scale
