"""Hair: for each style what lies behind the head, and what lies over it."""

import math

from keras_vae.data.cartoon_faces.canvas import AXIS
from keras_vae.data.cartoon_faces.head import TEMPLES, skull
from keras_vae.data.cartoon_faces.palette import HAIR, SKIN, darker, lighter, mix


def draw_hair_behind(canvas, factors):
    """Draw what the head and the shoulders cover."""
    draw, _ = _STYLES[factors["hair_style"]]
    if draw is not None:
        draw(canvas, darker(HAIR[factors["hair_color"]], 0.16))


def draw_hair_before(canvas, factors):
    """Draw what covers the head and the shoulders."""
    _, draw = _STYLES[factors["hair_style"]]
    draw(canvas, HAIR[factors["hair_color"]], factors)


def _bald(canvas, colour, factors):
    shine = lighter(SKIN[factors["skin"]], 0.35)
    canvas.stroke([(AXIS + 16, 76), (AXIS + 26, 81), (AXIS + 33, 89)], 5.0, shine)


def _buzz(canvas, colour, factors):
    side = TEMPLES[factors["face_shape"]]
    hairline = [(side + 1.5, 124), (side - 4, 122), (side - 4, 122), (side - 9, 98), (side - 9, 98), (28, 90), (0, 88)]
    canvas.half([*skull(factors, larger=2.5), *hairline], mix(colour, SKIN[factors["skin"]], 0.22))


def _side_part(canvas, colour, factors):
    outline = [
        (71, 124), (70, 96), (80, 68), (104, 50), (136, 46), (166, 55), (183, 76), (187, 102), (185, 124), (185, 124),
        (177, 112), (172, 100), (172, 100), (146, 99), (118, 90), (100, 78), (100, 78), (90, 92), (80, 106), (77, 124),
        (71, 124),
    ]  # fmt: skip
    canvas.shape(outline, colour)
    _strand(canvas, colour, [(103, 76), (126, 64), (152, 64), (170, 76)])


def _spiky(canvas, colour, factors):
    spikes = [(72, 82), (66, 60), (90, 60), (94, 36), (114, 50), (130, 26), (144, 49), (164, 34), (167, 58), (190, 60)]
    tips = [point for spike in (*spikes, (184, 82)) for point in (spike, spike)]
    hairline = [(186, 122), (186, 122), (177, 104), (168, 94), (150, 98), (150, 98), (138, 88), (122, 97), (122, 97)]
    hairline += [(108, 88), (94, 98), (94, 98), (82, 96), (78, 106), (70, 122), (70, 122)]
    canvas.shape([*tips, *hairline], colour)
    for points in ([(104, 62), (110, 54), (118, 62)], [(138, 58), (146, 50)], [(158, 66), (166, 58)]):
        _strand(canvas, colour, points)


def _curly(canvas, colour, factors):
    for turn in range(9):
        angle = math.pi * (turn / 8)
        canvas.ellipse(AXIS + 57 * math.cos(angle), 103 - 46 * math.sin(angle), 17, 17, colour)
    canvas.ellipse(AXIS, 74, 40, 20, colour)
    for x, y in ((92, 90), (110, 84), (128, 88), (146, 84), (164, 90)):
        canvas.ellipse(x, y, 12, 12, colour)
    for x, y in ((84, 76), (106, 62), (130, 56), (152, 64), (172, 78)):
        _strand(canvas, colour, [(x - 7, y + 2), (x - 2, y - 5), (x + 5, y - 3), (x + 6, y + 3)], width=2.6)


def _afro_behind(canvas, colour):
    canvas.ellipse(AXIS, 98, 84, 80, colour)


def _afro(canvas, colour, factors):
    lobes = [(128, 46, 40), (92, 58, 34), (164, 58, 34), (68, 88, 26), (188, 88, 26), (62, 116, 20), (194, 116, 20)]
    for x, y, radius in lobes:
        canvas.ellipse(x, y, radius, radius, colour)
    canvas.half([(0, 46), (40, 52), (60, 84), (60, 128), (52, 122), (45, 98), (24, 89), (0, 87)], colour)
    for x, y in ((96, 52), (128, 40), (162, 54), (76, 84), (182, 86), (112, 70), (146, 70)):
        _strand(canvas, colour, [(x - 6, y + 2), (x, y - 3), (x + 6, y + 1)], width=2.6)


def _bob_behind(canvas, colour):
    canvas.half([(0, 46), (40, 52), (64, 84), (69, 130), (70, 186), (62, 200), (40, 204), (0, 204)], colour)


def _bob(canvas, colour, factors):
    lock = [(46, 60), (62, 84), (68, 130), (70, 186), (60, 199), (47, 196), (47, 196), (52, 160), (52, 120), (40, 90)]
    for side in (-1, 1):
        canvas.shape([(AXIS + side * x, y) for x, y in lock], colour)
    canvas.half([(0, 45), (38, 51), (60, 80), (58, 110), (50, 106), (50, 106), (28, 104), (0, 103)], colour)
    _strand(canvas, colour, [(92, 74), (108, 62), (130, 58)])
    _strand(canvas, colour, [(143, 59), (150, 61)])


def _long_behind(canvas, colour):
    canvas.half([(0, 46), (42, 53), (66, 88), (71, 140), (76, 200), (82, 262), (82, 270), (0, 270)], colour)


def _long(canvas, colour, factors):
    lock = [(0, 46), (36, 51), (60, 78), (68, 124), (73, 190), (80, 262), (80, 262), (54, 262), (54, 262), (57, 210)]
    lock += [(54, 160), (50, 118), (34, 92), (12, 76), (0, 70), (0, 70)]
    for side in (-1, 1):
        canvas.shape([(AXIS + side * x, y) for x, y in lock], colour)
    _strand(canvas, colour, [(144, 60), (166, 76), (176, 104)])
    _strand(canvas, colour, [(189, 150), (193, 190), (197, 226)])
    canvas.stroke([(AXIS, 48), (AXIS, 70)], 1.8, darker(colour, 0.3))


def _wavy_behind(canvas, colour):
    canvas.half(
        [(0, 50), (30, 53), (52, 68), (62, 92), (60, 118), (73, 150), (67, 180), (80, 210), (70, 236), (0, 240)], colour
    )


def _wavy(canvas, colour, factors):
    lock = [(46, 72), (60, 90), (61, 112), (74, 144), (67, 174), (80, 206), (66, 236), (52, 228), (56, 200), (50, 176)]
    lock += [(56, 150), (50, 124), (40, 92)]
    for side in (-1, 1):
        canvas.shape([(AXIS + side * x, y) for x, y in lock], colour)
    fringe = [
        (68, 112), (68, 84), (84, 58), (112, 45), (144, 46), (172, 60), (188, 86), (188, 112), (180, 114), (174, 98),
        (150, 92), (150, 92), (120, 98), (94, 96), (82, 104), (76, 114),
    ]  # fmt: skip
    canvas.shape(fringe, colour)
    _strand(canvas, colour, [(100, 66), (124, 58), (146, 66), (156, 82)])
    _strand(canvas, colour, [(192, 150), (189, 172), (196, 196)])


def _bun_behind(canvas, colour):
    canvas.ellipse(AXIS, 38, 27, 25, colour)


def _bun(canvas, colour, factors):
    canvas.ellipse(AXIS, 37, 24, 22, colour)
    canvas.stroke([(AXIS - 14, 54), (AXIS, 58), (AXIS + 14, 54)], 5.0, darker(colour, 0.3))
    canvas.half([(0, 54), (34, 58), (56, 84), (59, 124), (54, 124), (47, 102), (30, 87), (0, 80)], colour)
    _strand(canvas, colour, [(136, 26), (144, 32), (146, 40)])
    _strand(canvas, colour, [(150, 66), (164, 76), (172, 90)])


def _strand(canvas, colour, points, width=3.4):
    canvas.stroke(points, width, lighter(colour, 0.24))


# In the order of the factor's values: behind and before.
_STYLES = (
    (None, _bald),
    (None, _buzz),
    (None, _side_part),
    (None, _spiky),
    (None, _curly),
    (_afro_behind, _afro),
    (_bob_behind, _bob),
    (_long_behind, _long),
    (_wavy_behind, _wavy),
    (_bun_behind, _bun),
)
