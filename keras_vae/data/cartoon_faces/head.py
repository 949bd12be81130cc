"""What lies below the features: shoulders and clothing, neck, ears, the face itself, cheeks and nose."""

import math

from keras_vae.data.cartoon_faces.canvas import AXIS
from keras_vae.data.cartoon_faces.palette import CLOTHING, ROSE, SKIN, darker, lighter

# Right halves of the jaws, from below the temple to the chin; the skull above is half an ellipse.
JAWS = (
    [(50, 150), (39, 177), (19, 195), (0, 199)],
    [(57, 153), (44, 180), (21, 194), (0, 197)],
    [(53, 153), (47, 181), (27, 195), (0, 198)],
    [(48, 150), (32, 180), (13, 198), (0, 203)],
)
TEMPLES = (53, 59, 54, 55)
_TOP, _TEMPLE_Y = 61, 121
_EAR_Y = 134
_SHOULDERS = [(0, 214), (22, 215), (50, 221), (80, 234), (92, 262), (92, 280), (0, 280)]


def skull(factors, larger=0.0):
    """Return the right half of the skull's outline, from the top down to the temple, blown up by `larger`."""
    width = TEMPLES[factors["face_shape"]] + larger
    height = _TEMPLE_Y - _TOP + larger
    angles = [math.radians(degrees) for degrees in (0, 22, 45, 68, 90)]
    return [(width * math.sin(angle), _TEMPLE_Y - height * math.cos(angle)) for angle in angles]


def draw_body(canvas, factors):
    """Draw shoulders, clothing and neck."""
    skin, cloth = SKIN[factors["skin"]], CLOTHING[factors["clothing_color"]]
    draw_neckline = (_crew_neck, _v_neck, _collar, _hood)[factors["clothing"]]
    if draw_neckline is _hood:
        canvas.half([(0, 196), (38, 202), (58, 218), (56, 240), (0, 250)], darker(cloth, 0.22))
    canvas.half(_SHOULDERS, cloth)
    draw_neckline(canvas, skin, cloth)


def draw_head(canvas, factors):
    """Draw ears, face, cheeks and nose."""
    skin, shape = SKIN[factors["skin"]], factors["face_shape"]
    for side in (-1, 1):
        x = AXIS + side * (TEMPLES[shape] - 1)
        canvas.ellipse(x, _EAR_Y, 11, 15, skin)
        canvas.ellipse(x + side * 1.5, _EAR_Y, 5.5, 9, darker(skin, 0.14))
    canvas.half([*skull(factors), *JAWS[shape]], skin)
    (_plain, _rosy, _freckles)[factors["cheeks"]](canvas, skin)
    (_button, _straight, _broad)[factors["nose"]](canvas, skin)


def _neck(canvas, skin, bottom):
    canvas.half([(0, 170), (22, 170), (22, 205), (25, 216), (18, bottom - 5), (0, bottom)], skin)
    # The chin's shadow.
    canvas.half([(0, 170), (22, 170), (22, 170), (22.3, 201), (22.3, 201), (0, 215)], darker(skin, 0.22))


def _crew_neck(canvas, skin, cloth):
    canvas.half([(0, 210), (27, 210), (30, 219), (20, 230), (0, 234)], darker(cloth, 0.2))
    _neck(canvas, skin, 228)


def _v_neck(canvas, skin, cloth):
    edge = [(0, 205), (28, 208), (31, 216), (16, 238), (0, 258), (0, 258)]
    canvas.half(edge, darker(cloth, 0.2))
    canvas.half([(x * 0.8, 205 + (y - 205) * 0.86) for x, y in edge], skin)
    _neck(canvas, skin, 226)


def _collar(canvas, skin, cloth):
    canvas.half([(0, 206), (26, 208), (14, 226), (0, 242), (0, 242)], skin)
    _neck(canvas, skin, 228)
    for side in (-1, 1):
        flap = [(25, 204), (25, 204), (38, 214), (30, 240), (30, 240), (3, 232), (2, 230), (17, 222)]
        canvas.shape([(AXIS + side * x, y) for x, y in flap], lighter(cloth, 0.4))
    for y in (240, 252):
        canvas.ellipse(AXIS, y, 2.2, 2.2, lighter(cloth, 0.7))


def _hood(canvas, skin, cloth):
    canvas.half([(0, 204), (30, 206), (34, 218), (20, 234), (0, 240)], darker(cloth, 0.22))
    _neck(canvas, skin, 228)
    for side in (-1, 1):
        canvas.stroke([(AXIS + side * 19, 233), (AXIS + side * 20, 244), (AXIS + side * 18, 254)], 3.4, (245, 243, 240))


def _plain(canvas, skin):
    pass


def _rosy(canvas, skin):
    for side in (-1, 1):
        canvas.ellipse(AXIS + side * 34, 154, 11, 8, (*ROSE, 90))


def _freckles(canvas, skin):
    colour = darker(skin, 0.34)
    for side in (-1, 1):
        for x, y in ((23, 149), (30, 146), (37, 149), (26, 155), (34, 155)):
            canvas.ellipse(AXIS + side * x, y, 1.5, 1.5, colour)


def _button(canvas, skin):
    canvas.stroke([(AXIS - 7, 151), (AXIS, 156), (AXIS + 7, 151)], 3.6, darker(skin, 0.3))


def _straight(canvas, skin):
    points = [(AXIS + 1, 128), (AXIS + 5, 142), (AXIS + 9, 153), (AXIS + 2, 157), (AXIS - 4, 156)]
    canvas.stroke(points, 3.4, darker(skin, 0.3))


def _broad(canvas, skin):
    canvas.ellipse(AXIS, 151, 12.5, 7.5, darker(skin, 0.16))
    canvas.ellipse(AXIS, 149, 11.5, 6.5, lighter(skin, 0.1))
