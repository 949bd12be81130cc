"""Eyes, brows and glasses."""

from keras_vae.data.cartoon_faces.canvas import AXIS
from keras_vae.data.cartoon_faces.palette import HAIR, INK, IRIS, SKIN, WHITE, darker, lighter

_EYE_X, _EYE_Y = 22, 129


def draw_eyes(canvas, factors):
    draw_eye = (_round, _almond, _sleepy, _smiling)[factors["eyes"]]
    for side in (-1, 1):
        draw_eye(canvas, side, IRIS[factors["eye_color"]], SKIN[factors["skin"]])


def draw_brows(canvas, factors):
    """Draw both eyebrows, somewhat darker than the hair."""
    colour = darker(HAIR[factors["hair_color"]], 0.25)
    heights = ((110, 109, 110), (110, 104, 110), (105, 107, 112), (113, 107, 107))[factors["brows"]]
    for side in (-1, 1):
        points = [(AXIS + side * x, y) for x, y in zip((12, 23, 34), heights, strict=True)]
        canvas.stroke(points, 5.0, colour)


def draw_glasses(canvas, factors):
    draw = (None, _round_glasses, _square_glasses, _sunglasses)[factors["glasses"]]
    if draw is None:
        return
    for side in (-1, 1):
        canvas.stroke([(AXIS + side * 40, 125), (AXIS + side * 53, 127)], 4.0, INK)
    canvas.stroke([(AXIS - 8, 127), (AXIS, 123.5), (AXIS + 8, 127)], 4.0, INK)
    for side in (-1, 1):
        draw(canvas, AXIS + side * (_EYE_X + 1))


def _round(canvas, side, iris, skin):
    x = AXIS + side * _EYE_X
    canvas.ellipse(x, _EYE_Y, 11.5, 11.5, WHITE)
    _iris(canvas, x, _EYE_Y, 7.5, iris)


def _almond(canvas, side, iris, skin):
    x = AXIS + side * _EYE_X
    inner, outer = x - side * 13, x + side * 13.5
    outline = [(inner, 131), (inner, 131), (x, 120.5), (outer, 127), (outer, 127), (x, 137.5)]
    canvas.shape(outline, WHITE)
    _iris(canvas, x, 129, 7.2, iris)
    canvas.stroke([(inner, 131), (x - side * 6, 123), (x + side * 3, 120.8), (outer + side * 1.5, 126)], 3.0, INK)


def _sleepy(canvas, side, iris, skin):
    x = AXIS + side * _EYE_X
    canvas.ellipse(x, _EYE_Y + 1, 12, 10.5, WHITE)
    _iris(canvas, x, _EYE_Y + 3, 7.0, iris)
    lid = [(x - 13.5, 129), (x - 13.5, 129), (x - 12, 117), (x + 12, 117), (x + 13.5, 129), (x + 13.5, 129)]
    canvas.shape(lid, skin)
    canvas.stroke([(x - 12.5, 128.5), (x, 129), (x + 12.5, 128.5)], 3.0, INK)


def _smiling(canvas, side, iris, skin):
    x = AXIS + side * _EYE_X
    canvas.stroke([(x - 11, 133), (x - 6, 127), (x, 125), (x + 6, 127), (x + 11, 133)], 4.2, INK)


def _iris(canvas, x, y, radius, colour):
    canvas.ellipse(x, y, radius, radius, darker(colour, 0.25))
    canvas.ellipse(x, y, radius - 1.4, radius - 1.4, colour)
    canvas.ellipse(x, y, radius * 0.5, radius * 0.5, (24, 20, 24))
    canvas.ellipse(x + 2.6, y - 2.8, 2.3, 2.3, WHITE)


def _round_glasses(canvas, x):
    canvas.ellipse(x, 130, 18, 18, (*lighter(IRIS[3], 0.8), 60))
    canvas.ring(x, 130, 19.5, 19.5, 4.0, INK)


def _square_glasses(canvas, x):
    box = (x - 19, 116, x + 19, 145, 6)
    canvas.box(*box, colour=(*lighter(IRIS[3], 0.8), 60))
    canvas.box(*box, outline=(150, 40, 46), width=4.5)


def _sunglasses(canvas, x):
    canvas.box(x - 20, 115, x + 20, 145, 12, colour=(38, 38, 48))
    canvas.stroke([(x - 10, 124), (x - 3, 120)], 3.0, (255, 255, 255, 130))
