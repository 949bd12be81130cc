"""Mouth and facial hair."""

from keras_vae.data.cartoon_faces.canvas import AXIS
from keras_vae.data.cartoon_faces.head import JAWS, TEMPLES
from keras_vae.data.cartoon_faces.palette import HAIR, INSIDE, LIPS, SKIN, TONGUE, WHITE, darker, mix


def draw_mouth(canvas, factors):
    lips = darker(mix(LIPS, SKIN[factors["skin"]], 0.2), 0.08)
    (_smile, _grin, _laugh, _neutral, _smirk, _surprised)[factors["mouth"]](canvas, lips)


def draw_facial_hair(canvas, factors):
    """Draw moustache or beard, if there is one; to be drawn before the mouth."""
    draw = (None, _moustache, _goatee, _beard)[factors["facial_hair"]]
    if draw is not None:
        draw(canvas, darker(HAIR[factors["hair_color"]], 0.1), factors)


def _smile(canvas, lips):
    canvas.stroke([(AXIS - 18, 170), (AXIS - 10, 177), (AXIS, 179), (AXIS + 10, 177), (AXIS + 18, 170)], 4.2, lips)


def _grin(canvas, lips):
    canvas.half([(0, 169), (20, 168), (20, 168), (15, 179), (0, 184)], lips)
    canvas.half([(0, 171.5), (16.5, 170.5), (16.5, 170.5), (12.5, 177.5), (0, 181)], WHITE)


def _laugh(canvas, lips):
    canvas.half([(0, 168), (21, 167), (21, 167), (16, 181), (0, 189)], INSIDE)
    canvas.half([(0, 168), (20, 167), (20, 167), (16, 172.5), (0, 173.5)], WHITE)
    canvas.half([(0, 180), (9, 181.5), (8, 185.5), (0, 187.5)], TONGUE)


def _neutral(canvas, lips):
    canvas.stroke([(AXIS - 14, 174), (AXIS, 174.5), (AXIS + 14, 174)], 4.2, lips)


def _smirk(canvas, lips):
    canvas.stroke([(AXIS - 14, 176), (AXIS, 177.5), (AXIS + 10, 174.5), (AXIS + 17, 167)], 4.2, lips)


def _surprised(canvas, lips):
    canvas.ellipse(AXIS, 176, 9.5, 10.5, lips)
    canvas.ellipse(AXIS, 176.5, 6.5, 7.5, INSIDE)


def _moustache(canvas, colour, factors):
    outline = [(0, 159), (9, 157.5), (20, 161), (27, 168), (27, 168), (14, 168.5), (0, 165)]
    canvas.half(outline, colour)


def _goatee(canvas, colour, factors):
    chin = JAWS[factors["face_shape"]][-1][1]
    canvas.half([(0, 160), (12, 159), (24, 163), (28, 176), (21, chin - 5), (0, chin + 4)], colour)
    _lip_room(canvas, factors)


def _beard(canvas, colour, factors):
    # Along the jaw of this face, a little outside of it, then back above the lip.
    shape = factors["face_shape"]
    jaw = [(x * 1.03 + 0.6, y + (4 if y > 170 else 0)) for x, y in JAWS[shape]]
    top = (TEMPLES[shape] + 1.0, 128)
    inner = [(0, 161), (10, 159), (24, 161), (38, 160), (TEMPLES[shape] - 6, 142)]
    canvas.half([*inner, top, top, *jaw], colour)
    _lip_room(canvas, factors)


def _lip_room(canvas, factors):
    # Lips would be lost on hair of their own darkness.
    canvas.half([(0, 166), (14, 165), (21, 170), (17, 181), (0, 188)], SKIN[factors["skin"]])
