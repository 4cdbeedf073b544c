"""Draws the demo shop's six designs: `python data/artwork/draw.py` writes the PNG files beside this script.

Each is 1600 × 2000 pixels: printed 200 × 250 mm that is 203 dpi. Flat colours, a palette, and a hard transparent edge,
as a direct-to-garment printer wants them: half-transparent pixels would print as dirt.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

WIDTH, HEIGHT, OVERSAMPLING = 1600, 2000, 2
COLOURS = 28

NIGHT, DUSK, TEAL, MIST = "#15203f", "#24345f", "#2b6d78", "#9cc4bd"
CREAM, AMBER, RUST, PLUM = "#f7ecd6", "#f3ab46", "#d2553f", "#5b2a4a"

Point = tuple[float, float]


class Canvas:
    """A sheet in design units; shapes outside the badge are cut off when it is saved."""

    def __init__(self, ground: str) -> None:
        size = (WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING)
        self.image = Image.new("RGB", size, ground)
        self.badge = Image.new("L", size, 0)
        self._draw = ImageDraw.Draw(self.image)
        self._cut = ImageDraw.Draw(self.badge)

    def area(self, points: Sequence[Point], colour: str) -> None:
        self._draw.polygon([_scaled(point) for point in points], fill=colour)

    def disc(self, x: float, y: float, radius: float, colour: str) -> None:
        self.oval(x, y, radius, radius, colour)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: str) -> None:
        self._draw.ellipse([*_scaled((x - rx, y - ry)), *_scaled((x + rx, y + ry))], fill=colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: str, radius: float = 0) -> None:
        corners = [*_scaled((left, top)), *_scaled((right, bottom))]
        self._draw.rounded_rectangle(corners, radius * OVERSAMPLING, fill=colour)

    def line(self, points: Sequence[Point], width: float, colour: str) -> None:
        self._draw.line(
            [_scaled(point) for point in points], fill=colour, width=round(width * OVERSAMPLING), joint="curve"
        )
        for x, y in (points[0], points[-1]):
            self.disc(x, y, width / 2, colour)

    def star(self, x: float, y: float, radius: float, colour: str = CREAM) -> None:
        points = []
        for step in range(8):
            reach = radius if step % 2 == 0 else radius * 0.24
            points.append((x + reach * math.sin(step * math.pi / 4), y - reach * math.cos(step * math.pi / 4)))
        self.area(points, colour)

    def cut_round(self, radius: float = 780) -> None:
        centre_x, centre_y = WIDTH / 2, HEIGHT / 2
        self._cut.ellipse(
            [*_scaled((centre_x - radius, centre_y - radius)), *_scaled((centre_x + radius, centre_y + radius))],
            fill=255,
        )

    def cut_arch(self, margin: float = 130) -> None:
        radius = WIDTH / 2 - margin
        self._cut.ellipse([*_scaled((margin, 40)), *_scaled((WIDTH - margin, 40 + 2 * radius))], fill=255)
        self._cut.rounded_rectangle(
            [*_scaled((margin, 40 + radius)), *_scaled((WIDTH - margin, HEIGHT - 40))], 60 * OVERSAMPLING, fill=255
        )

    def cut_card(self, margin: float = 110) -> None:
        corners = [*_scaled((margin, 40)), *_scaled((WIDTH - margin, HEIGHT - 40))]
        self._cut.rounded_rectangle(corners, 150 * OVERSAMPLING, fill=255)

    def save(self, path: Path) -> None:
        size = (WIDTH, HEIGHT)
        flat = self.image.resize(size, Image.Resampling.BOX).quantize(COLOURS, dither=Image.Dither.NONE)
        outside = self.badge.resize(size, Image.Resampling.BOX).point(lambda value: 255 if value < 128 else 0)
        flat.putpalette([*(flat.getpalette() or [])[: COLOURS * 3], 255, 255, 255])
        flat.paste(COLOURS, (0, 0, *size), outside)
        flat.save(path, optimize=True, transparency=bytes([255] * COLOURS + [0]), dpi=(203, 203))


def _scaled(point: Point) -> Point:
    return point[0] * OVERSAMPLING, point[1] * OVERSAMPLING


def smooth(points: Sequence[Point], *, closed: bool = True, steps: int = 16) -> list[Point]:
    """A Catmull-Rom curve through the points."""
    count = len(points)
    result: list[Point] = []
    for i in range(count if closed else count - 1):
        p0, p1, p2, p3 = (
            points[k % count] if closed else points[min(max(k, 0), count - 1)] for k in (i - 1, i, i + 1, i + 2)
        )
        for step in range(steps):
            t = step / steps
            result.append(
                (
                    _spline(p0[0], p1[0], p2[0], p3[0], t),
                    _spline(p0[1], p1[1], p2[1], p3[1], t),
                )
            )
    return result if closed else [*result, points[-1]]


def _spline(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def mirrored(points: Sequence[Point]) -> list[Point]:
    return [(WIDTH - x, y) for x, y in points]


def turned(points: Sequence[Point], around: Point, degrees: float) -> list[Point]:
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    return [
        (
            around[0] + (x - around[0]) * cosine - (y - around[1]) * sine,
            around[1] + (x - around[0]) * sine + (y - around[1]) * cosine,
        )
        for x, y in points
    ]


def leaf(base: Point, length: float, width: float, degrees: float) -> list[Point]:
    """A pointed leaf that grows from `base`, upwards at 0 degrees, clockwise."""
    x, y = base
    outline = [(x, y)]
    outline += [(x + width * math.sin(math.pi * t / 10) ** 0.8, y - length * t / 10) for t in range(1, 10)]
    outline += [(x, y - length)]
    outline += [(x - width * math.sin(math.pi * t / 10) ** 0.8, y - length * t / 10) for t in range(9, 0, -1)]
    return turned(outline, base, degrees)


def scatter_stars(canvas: Canvas, seed: int, count: int, area: tuple[int, int, int, int]) -> None:
    dice = random.Random(seed)  # noqa: S311 - a picture, not a key
    left, top, right, bottom = area
    for _ in range(count):
        x, y = dice.uniform(left, right), dice.uniform(top, bottom)
        if dice.random() < 0.3:
            canvas.star(x, y, dice.uniform(20, 38))
        else:
            canvas.disc(x, y, dice.uniform(3, 7), CREAM)


def night_moth() -> Canvas:
    canvas = Canvas(NIGHT)
    canvas.cut_arch()
    scatter_stars(canvas, 4, 60, (180, 120, 1420, 1900))
    canvas.disc(800, 760, 470, AMBER)
    canvas.disc(800, 760, 430, CREAM)
    canvas.disc(800, 760, 400, AMBER)
    lower = smooth([(800, 1010), (1010, 1030), (1230, 1150), (1240, 1340), (1120, 1490), (980, 1440), (870, 1270)])
    lower_inner = smooth(
        [(830, 1060), (1010, 1090), (1170, 1190), (1170, 1330), (1095, 1420), (1000, 1370), (890, 1220)]
    )
    upper = smooth(
        [
            (800, 860),
            (960, 690),
            (1200, 560),
            (1460, 560),
            (1430, 760),
            (1340, 960),
            (1160, 1090),
            (940, 1090),
            (800, 1040),
        ]
    )
    band = smooth(
        [
            (850, 880),
            (985, 745),
            (1200, 630),
            (1395, 620),
            (1370, 750),
            (1295, 915),
            (1140, 1030),
            (950, 1035),
            (850, 1000),
        ]
    )
    for side in (list, mirrored):
        canvas.area(side(lower), TEAL)
        canvas.area(side(lower_inner), MIST)
        canvas.area(side(upper), RUST)
        canvas.area(side(band), CREAM)
        for start, end in (((1420, 640), (905, 950)), ((1370, 790), (905, 975)), ((1270, 940), (905, 1000))):
            canvas.line(side([start, end]), 12, RUST)
        spots = [
            (1150, 830, 96, RUST),
            (1150, 830, 66, AMBER),
            (1150, 830, 38, NIGHT),
            (1060, 1240, 74, TEAL),
            (1060, 1240, 46, AMBER),
            (1060, 1240, 22, NIGHT),
        ]
        for x, y, radius, colour in spots:
            canvas.disc(side([(x, y)])[0][0], y, radius, colour)
        for degrees in range(0, 360, 30):
            tip = turned([(1150, 830 - 120)], (1150, 830), degrees)
            canvas.disc(*side(tip)[0], 9, RUST)
        feeler = smooth([(812, 800), (860, 690), (960, 600), (1060, 570)], closed=False)
        canvas.line(side(feeler), 14, NIGHT)
        for point in feeler[10::6]:
            canvas.line(side([point, (point[0] + 22, point[1] + 42)]), 9, NIGHT)
            canvas.line(side([point, (point[0] - 34, point[1] - 26)]), 9, NIGHT)
    canvas.area(
        smooth([(800, 780), (868, 860), (858, 1010), (872, 1180), (800, 1420), (728, 1180), (742, 1010), (732, 860)]),
        PLUM,
    )
    for number in range(5):
        y = 1080 + number * 58
        canvas.line([(752 + number * 7, y), (848 - number * 7, y)], 16, AMBER)
    canvas.area(smooth([(800, 770), (870, 850), (850, 960), (800, 990), (750, 960), (730, 850)]), CREAM)
    canvas.disc(768, 812, 20, NIGHT)
    canvas.disc(832, 812, 20, NIGHT)
    for number, lit in enumerate((0.0, 0.55, 1.0, 0.55, 0.0)):
        x = 800 + (number - 2) * 170
        canvas.disc(x, 1690, 56, CREAM)
        if number != 2:
            canvas.disc(
                x + (28 if number < 2 else -28) * (1 - lit) - (30 if number > 2 else -30) * lit, 1690, 52, NIGHT
            )
    return canvas


def moon_tide() -> Canvas:
    canvas = Canvas(NIGHT)
    canvas.cut_round()
    scatter_stars(canvas, 11, 70, (60, 230, 1540, 1000))
    canvas.disc(800, 800, 330, DUSK)
    canvas.disc(800, 800, 270, CREAM)
    for x, y, radius in (
        (720, 720, 58),
        (880, 860, 82),
        (730, 910, 34),
        (900, 680, 30),
        (800, 790, 20),
        (650, 830, 26),
    ):
        canvas.disc(x, y, radius, "#ead9b8")
    for number in range(-3, 4):
        if number:
            angle = number * 0.42
            x, y = 800 + 560 * math.sin(angle), 830 - 560 * math.cos(angle)
            canvas.disc(x, y, 46, AMBER)
            canvas.disc(x + math.copysign(70 - 20 * abs(number), number) * -0.9, y, 46, NIGHT)
    canvas.disc(800, 270, 46, AMBER)
    for number, colour in enumerate((DUSK, TEAL, MIST, RUST, TEAL, PLUM, DUSK)):
        y = 1110 + number * 108
        wave = [(x, y + 34 * math.sin(x / 118 + number * 1.35)) for x in range(0, WIDTH + 1, 8)]
        canvas.area([*wave, (WIDTH, HEIGHT), (0, HEIGHT)], colour)
        canvas.line(wave, 11, CREAM)
    for number in range(6):
        half = 190 - number * 27
        y = 1158 + number * 108
        canvas.line([(800 - half, y), (800 + half, y)], 20, CREAM)
        canvas.line([(800 - half * 0.55 + 30, y + 38), (800 + half * 0.55 + 30, y + 38)], 14, AMBER)
    return canvas


def sleeping_fox() -> Canvas:
    canvas = Canvas(TEAL)
    canvas.cut_round()
    for ring in range(12):
        base = (800 + 690 * math.sin(ring * math.pi / 6), 1000 - 690 * math.cos(ring * math.pi / 6))
        for lean in (-48, 0, 48):
            canvas.area(leaf(base, 230, 44, ring * 30 + 180 + lean), "#37828a" if lean else MIST)
    canvas.disc(800, 1000, 560, NIGHT)
    canvas.disc(800, 1000, 530, DUSK)
    scatter_stars(canvas, 21, 16, (420, 520, 1180, 760))
    canvas.area(
        smooth(
            [
                (380, 1080),
                (420, 860),
                (600, 700),
                (840, 660),
                (1060, 740),
                (1200, 920),
                (1220, 1120),
                (1100, 1290),
                (860, 1370),
                (600, 1330),
                (440, 1230),
            ]
        ),
        RUST,
    )
    canvas.area(
        smooth(
            [
                (1220, 1010),
                (1240, 1190),
                (1130, 1360),
                (900, 1450),
                (650, 1420),
                (470, 1310),
                (560, 1240),
                (760, 1300),
                (960, 1270),
                (1080, 1160),
                (1110, 1030),
            ]
        ),
        "#b9452f",
    )
    canvas.area(
        smooth(
            [(640, 1405), (520, 1350), (440, 1265), (480, 1200), (570, 1235), (680, 1285), (650, 1330), (690, 1370)]
        ),
        CREAM,
    )
    face = [(560, 960), (700, 890), (880, 900), (1010, 980), (940, 1090), (800, 1180), (690, 1210), (600, 1130)]
    canvas.area(smooth([(590, 980), (560, 790), (600, 780), (740, 900)]), "#b9452f")
    canvas.area(smooth([(606, 945), (590, 835), (612, 832), (690, 905)]), PLUM)
    canvas.area(smooth([(860, 900), (960, 770), (1000, 780), (1010, 980)]), "#b9452f")
    canvas.area(smooth([(900, 905), (960, 825), (978, 832), (980, 945)]), PLUM)
    canvas.area(smooth(face), "#e2694f")
    canvas.area(smooth([(566, 1000), (640, 1030), (712, 1110), (735, 1190), (680, 1215), (600, 1130)]), CREAM)
    canvas.area(smooth([(1000, 1000), (900, 1030), (810, 1100), (750, 1190), (810, 1178), (935, 1095)]), CREAM)
    canvas.oval(716, 1200, 40, 28, NIGHT)
    for eye in ([(622, 1040), (650, 1072), (690, 1070)], [(810, 1064), (850, 1072), (890, 1036)]):
        canvas.line(smooth(eye, closed=False), 14, NIGHT)
    for number, (x, y) in enumerate(((860, 740), (940, 790), (1020, 840), (1080, 920), (1110, 1000))):
        canvas.area(leaf((x, y), 60, 14, 125 + number * 14), "#b9452f")
    canvas.disc(1010, 590, 66, CREAM)
    canvas.disc(1042, 572, 60, DUSK)
    return canvas


def last_tram() -> Canvas:
    canvas = Canvas(PLUM)
    canvas.cut_card()
    scatter_stars(canvas, 31, 40, (160, 90, 1440, 620))
    canvas.disc(1180, 400, 150, AMBER)
    canvas.disc(1110, 360, 140, PLUM)
    dice = random.Random(8)  # noqa: S311 - a picture, not a key
    for x in range(100, 1500, 140):
        top = dice.randint(620, 900)
        canvas.box(x, top, x + 150, 1500, "#43203a")
        for wy in range(top + 50, 1400, 90):
            for wx in (x + 30, x + 88):
                if dice.random() < 0.45:
                    canvas.box(wx, wy, wx + 32, wy + 46, AMBER, 4)
    canvas.area([(0, 1400), (WIDTH, 1400), (WIDTH, HEIGHT), (0, HEIGHT)], NIGHT)
    for number in range(9):
        y = 1480 + number * number * 8
        half = 290 + (y - 1480) * 0.62
        canvas.line([(800 - half, y), (800 + half, y)], 10 + number * 2.2, DUSK)
    for side in (list, mirrored):
        canvas.area(side([(1010, 1440), (1036, 1440), (1330, 2000), (1250, 2000)]), MIST)
        canvas.line(side([(800, 470), (1500, 150)]), 7, MIST)
        canvas.line(side([(800, 470), (930, 610)]), 14, CREAM)
        canvas.line(side([(930, 610), (850, 690)]), 14, CREAM)
    canvas.line([(700, 470), (900, 470)], 16, CREAM)
    canvas.box(480, 680, 1120, 1560, "#a83d2c", 110)
    canvas.box(500, 700, 1100, 1540, RUST, 96)
    canvas.box(500, 1180, 1100, 1470, CREAM)
    canvas.box(500, 1150, 1100, 1184, AMBER)
    canvas.box(560, 735, 1040, 835, NIGHT, 26)
    for number, x in enumerate(range(690, 930, 50)):
        canvas.disc(x, 785, 18 if number % 2 else 12, AMBER)
    canvas.box(545, 865, 1055, 1135, NIGHT, 44)
    canvas.box(565, 885, 1035, 1115, "#f8cf86", 32)
    canvas.box(790, 885, 810, 1115, NIGHT)
    canvas.area(smooth([(648, 1115), (640, 1030), (668, 985), (700, 980), (730, 990), (752, 1035), (746, 1115)]), TEAL)
    canvas.disc(697, 955, 42, PLUM)
    canvas.area([(652, 948), (742, 948), (728, 905), (668, 905)], TEAL)
    canvas.area([(855, 1115), (1005, 1115), (980, 1030), (930, 1000), (880, 1030)], "#e39a3a")
    for x in (610, 990):
        canvas.disc(x, 1325, 74, NIGHT)
        canvas.disc(x, 1325, 58, CREAM)
        canvas.disc(x, 1325, 38, AMBER)
    canvas.star(800, 1325, 92, RUST)
    canvas.box(540, 1500, 1060, 1600, NIGHT, 30)
    for x in range(600, 1020, 66):
        canvas.box(x, 1525, x + 34, 1575, DUSK, 8)
    for x, y in ((330, 1560), (270, 1700), (1290, 1600), (1370, 1760)):
        canvas.line([(x - 40, y), (x + 40, y)], 10, DUSK)
    return canvas


def night_primrose() -> Canvas:
    canvas = Canvas(NIGHT)
    canvas.cut_arch()
    scatter_stars(canvas, 44, 55, (180, 120, 1420, 1900))
    canvas.disc(800, 720, 520, DUSK)
    stem = smooth([(800, 1900), (790, 1600), (812, 1300), (796, 1000), (800, 720)], closed=False)
    canvas.line(stem, 26, MIST)
    for number, y in enumerate(range(1720, 1080, -105)):
        for side, sign in ((1, 1), (-1, -1)):
            length = 390 - number * 34
            base = (800 + 4 * side, float(y - (26 if side < 0 else 0)))
            canvas.area(leaf(base, length, 66 - number * 4, sign * (62 - number * 4)), TEAL)
            tip = turned([(base[0], base[1] - length * 0.84)], base, sign * (62 - number * 4))[0]
            canvas.line([base, tip], 8, MIST)
    for x, y, bend in ((470, 1030, -1), (1130, 1030, 1), (420, 620, -1), (1180, 620, 1)):
        canvas.line(smooth([(800, y + 150), (800 + bend * 170, y + 130), (x, y + 20)], closed=False), 18, MIST)
        _blossom(canvas, (x, y), 150, RUST, "#e88a6d")
    _blossom(canvas, (800, 640), 290, AMBER, CREAM)
    for x, y in ((560, 380), (1040, 380), (800, 240)):
        canvas.star(x, y, 46, AMBER)
    canvas.area(leaf((790, 1905), 150, 60, -70), RUST)
    canvas.area(leaf((810, 1905), 150, 60, 70), RUST)
    return canvas


def _blossom(canvas: Canvas, centre: Point, radius: float, outer: str, inner: str) -> None:
    for degrees in range(0, 360, 45):
        canvas.area(leaf(centre, radius, radius * 0.34, degrees), outer)
    for degrees in range(0, 360, 45):
        canvas.area(leaf(centre, radius * 0.74, radius * 0.2, degrees), inner)
    for degrees in range(0, 360, 45):
        x, y = turned([(centre[0], centre[1] - radius * 0.5)], centre, degrees + 22.5)[0]
        canvas.line([centre, (x, y)], radius * 0.03, PLUM)
        canvas.disc(x, y, radius * 0.055, PLUM)
    canvas.disc(*centre, radius * 0.2, PLUM)
    canvas.disc(*centre, radius * 0.12, AMBER)


def rooftop_cat() -> Canvas:
    canvas = Canvas(DUSK)
    canvas.cut_round()
    scatter_stars(canvas, 52, 60, (40, 220, 1560, 1100))
    canvas.disc(900, 840, 430, AMBER)
    canvas.disc(900, 840, 385, "#f8c77a")
    for x, y, radius in ((1090, 720, 66), (1010, 1030, 44), (1150, 930, 36), (960, 590, 30), (760, 640, 26)):
        canvas.disc(x, y, radius, AMBER)
    canvas.line([(330, 560), (330, 1400)], 22, NIGHT)
    canvas.line([(330, 330), (330, 700)], 9, NIGHT)
    canvas.disc(330, 640, 66, NIGHT)
    canvas.line([(272, 640), (388, 640)], 8, AMBER)
    for x in (298, 330, 362):
        canvas.disc(x, 640, 7, AMBER)
    canvas.area([(300, 1400), (318, 700), (342, 700), (360, 1400)], NIGHT)
    roofs = [
        (0, 1340, 300, TEAL),
        (260, 1240, 330, "#1f4f63"),
        (560, 1310, 260, TEAL),
        (1120, 1290, 330, "#1f4f63"),
        (1390, 1230, 260, TEAL),
    ]
    dice = random.Random(5)  # noqa: S311 - a picture, not a key
    for x, y, width, colour in roofs:
        canvas.area(
            [(x, y + 120), (x + width / 2, y - 40), (x + width, y + 120), (x + width, HEIGHT), (x, HEIGHT)], colour
        )
        for wy in range(y + 170, 1800, 120):
            for wx in range(x + 40, x + width - 60, 90):
                if dice.random() < 0.6:
                    canvas.box(wx, wy, wx + 44, wy + 64, "#f8c77a", 22)
    canvas.area([(440, 1560), (640, 1330), (1180, 1330), (1380, 1560)], RUST)
    for row in range(4):
        y = 1372 + row * 56
        left, right = 640 - (row + 0.75) * 49, 1180 + (row + 0.75) * 49
        canvas.line([(left, y), (right, y)], 9, "#a83d2c")
        for column in range(11):
            x = left + (right - left) * (column + (row % 2) * 0.5) / 11
            canvas.line([(x, y), (x + (x - 910) * 0.06, y + 50)], 8, "#a83d2c")
    canvas.box(460, 1560, 1360, HEIGHT, CREAM)
    for x in (560, 740, 920, 1100, 1240):
        canvas.box(x - 46, 1640, x + 66, 1810, NIGHT, 50)
        canvas.box(x - 32, 1654, x + 52, 1810, AMBER if x != 920 else TEAL, 40)
        canvas.line([(x + 10, 1660), (x + 10, 1805)], 8, NIGHT)
    canvas.box(1090, 1180, 1200, 1370, "#a83d2c", 8)
    canvas.box(1076, 1166, 1214, 1204, PLUM, 8)
    cat = smooth(
        [
            (690, 1330),
            (690, 1200),
            (720, 1060),
            (760, 950),
            (765, 870),
            (770, 760),
            (835, 800),
            (905, 800),
            (970, 760),
            (978, 870),
            (960, 940),
            (985, 1040),
            (1020, 1180),
            (1010, 1330),
        ],
        steps=24,
    )
    canvas.area(cat, NIGHT)
    canvas.area([(770, 850), (764, 730), (850, 806)], NIGHT)
    canvas.area([(976, 850), (980, 730), (890, 806)], NIGHT)
    canvas.area([(786, 808), (784, 764), (820, 796)], RUST)
    canvas.area([(958, 808), (960, 764), (924, 796)], RUST)
    for x in (826, 918):
        canvas.oval(x, 868, 27, 22, AMBER)
        canvas.oval(x, 868, 8, 21, NIGHT)
    canvas.area([(860, 905), (884, 905), (872, 922)], RUST)
    for side in (-1, 1):
        for lift in (-14, 6, 26):
            canvas.line([(872 + side * 40, 915), (872 + side * 150, 915 + lift)], 5, CREAM)
    tail = smooth([(1000, 1300), (1110, 1310), (1190, 1400), (1180, 1510), (1110, 1540), (1075, 1490)], closed=False)
    canvas.line(tail, 52, NIGHT)
    canvas.line([(855, 1320), (855, 1190)], 7, DUSK)
    canvas.line([(795, 1010), (870, 1040), (950, 1008)], 16, RUST)
    canvas.disc(870, 1056, 20, AMBER)
    return canvas


DESIGNS: dict[str, Callable[[], Canvas]] = {
    "night-moth": night_moth,
    "moon-tide": moon_tide,
    "sleeping-fox": sleeping_fox,
    "last-tram": last_tram,
    "night-primrose": night_primrose,
    "rooftop-cat": rooftop_cat,
}


def main() -> None:
    for name, design in DESIGNS.items():
        design().save(Path(__file__).with_name(f"{name}.png"))


if __name__ == "__main__":
    main()
