"""One face from its factors."""

import numpy as np

from keras_vae.core import check_integer
from keras_vae.data.cartoon_faces.canvas import AXIS, Canvas
from keras_vae.data.cartoon_faces.eyes import draw_brows, draw_eyes, draw_glasses
from keras_vae.data.cartoon_faces.factors import check_factors
from keras_vae.data.cartoon_faces.hair import draw_hair_before, draw_hair_behind
from keras_vae.data.cartoon_faces.head import draw_body, draw_head
from keras_vae.data.cartoon_faces.mouth import draw_facial_hair, draw_mouth
from keras_vae.data.cartoon_faces.palette import BACKGROUND, lighter

# From the back to the front.
_LAYERS = (
    draw_hair_behind,
    draw_body,
    draw_head,
    draw_facial_hair,
    draw_mouth,
    draw_eyes,
    draw_brows,
    draw_hair_before,
    draw_glasses,
)


def draw_face(factors: dict[str, int], image_size: int = 256) -> np.ndarray:
    """Draw one cartoon face.

    Parameters
    ----------
    factors : dict of str to int
        A value for each of `FACTORS`; see `face_factors` for those of face i.
    image_size : int
        Height and width, in pixels, at least 8.

    Returns
    -------
    numpy.ndarray
        Shape (image_size, image_size, 3), uint8: the same picture for the same arguments.

    Raises
    ------
    ValueError
        If a factor is missing, unknown or out of range, or `image_size` is not an integer >= 8.
    TypeError
        If `factors` is not a dictionary.

    Examples
    --------
    >>> without = {**face_factors(3), "glasses": 0}
    >>> draw_face(without, image_size=64).shape
    (64, 64, 3)
    """
    factors = check_factors(factors)
    ground = BACKGROUND[factors["background"]]
    canvas = Canvas(check_integer("image_size", image_size, minimum=8), ground)
    canvas.ellipse(AXIS, 136, 112, 112, lighter(ground, 0.4))
    for draw in _LAYERS:
        draw(canvas, factors)
    return canvas.picture()
