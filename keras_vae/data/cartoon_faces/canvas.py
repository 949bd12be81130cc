"""A canvas of 256 x 256 units on which smooth shapes are drawn, larger than the picture that comes out."""

import numpy as np

# Dots across for each pixel of the picture; their average has no jagged edges.
_OVERSAMPLING = 4
UNITS = 256
AXIS = UNITS / 2
_STEPS = 10


class Canvas:
    """Where a face is drawn: x to the right and y down, both from 0 to 256, whatever the picture's size.

    Colours are (red, green, blue), or with a fourth number for the opacity, from 0 to 255.
    """

    def __init__(self, image_size, colour):
        from PIL import Image, ImageDraw  # here, for the sake of a quick `import keras_vae`

        side = image_size * _OVERSAMPLING
        self._scale = side / UNITS
        self._image = Image.new("RGB", (side, side), colour)
        self._draw = ImageDraw.Draw(self._image, "RGBA")

    def ellipse(self, x, y, radius_x, radius_y, colour):
        corners = np.array([x - radius_x, y - radius_y, x + radius_x, y + radius_y]) * self._scale
        self._draw.ellipse(corners.tolist(), fill=colour)

    def ring(self, x, y, radius_x, radius_y, width, colour):
        """Draw the outline of an ellipse."""
        corners = np.array([x - radius_x, y - radius_y, x + radius_x, y + radius_y]) * self._scale
        self._draw.ellipse(corners.tolist(), outline=colour, width=max(1, round(width * self._scale)))

    def box(self, left, top, right, bottom, radius, *, colour=None, outline=None, width=0.0):
        corners = np.array([left, top, right, bottom]) * self._scale
        dots = max(1, round(width * self._scale)) if outline else 0
        self._draw.rounded_rectangle(corners.tolist(), radius * self._scale, fill=colour, outline=outline, width=dots)

    def shape(self, points, colour):
        """Fill the smooth closed curve through points of shape (n, 2); a point given twice is a corner."""
        points = np.asarray(points, float)
        self._polygon(_smooth(np.concatenate([points[-1:], points, points[:2]])), colour)

    def half(self, points, colour):
        """Fill the smooth shape whose left half mirrors the right half given: see `mirrored`."""
        self.shape(mirrored(points), colour)

    def stroke(self, points, width, colour):
        """Draw the smooth open curve through points of shape (n, 2), with round ends."""
        points = np.asarray(points, float)
        curve = _smooth(np.concatenate([[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]]))
        # One filled outline: joined segments would show where an opacity is drawn twice.
        along = np.gradient(curve, axis=0)
        along /= np.maximum(np.hypot(*along.T)[:, None], 1e-9)
        across = along[:, ::-1] * (-width / 2, width / 2)
        turns = np.linspace(0, np.pi, 9)[1:-1, None]
        end = curve[-1] + across[-1] * np.cos(turns) + along[-1] * (width / 2) * np.sin(turns)
        start = curve[0] - across[0] * np.cos(turns) - along[0] * (width / 2) * np.sin(turns)
        self._polygon(np.concatenate([curve + across, end, (curve - across)[::-1], start]), colour)

    def picture(self):
        """Return the picture, uint8 of shape (image_size, image_size, 3)."""
        return np.asarray(self._image.reduce(_OVERSAMPLING))

    def _polygon(self, points, colour):
        self._draw.polygon((points * self._scale).ravel().tolist(), fill=colour)


def mirrored(points):
    """Complete an outline from its right half: rows of (distance from the vertical axis, y), its ends on the axis."""
    points = np.asarray(points, float)
    left = points[-2:0:-1] * (-1.0, 1.0)
    return np.concatenate([points, left]) + np.array([AXIS, 0.0])


def _smooth(points):
    """Return points along the Catmull-Rom spline (Catmull & Rom 1974) from the second to the last but one.

    The tangent at a point that is given twice is zero, which makes it a corner.
    """
    steps = np.diff(points, axis=0)
    tangents = (steps[1:] + steps[:-1]) / 2
    tangents[(steps[1:] == 0).all(axis=1) | (steps[:-1] == 0).all(axis=1)] = 0.0
    start, end = points[1:-2], points[2:-1]
    t = np.linspace(0.0, 1.0, _STEPS, endpoint=False)[:, None, None]
    curve = (
        (2 * t**3 - 3 * t**2 + 1) * start
        + (t**3 - 2 * t**2 + t) * tangents[:-1]
        + (3 * t**2 - 2 * t**3) * end
        + (t**3 - t**2) * tangents[1:]
    )
    return np.concatenate([curve.swapaxes(0, 1).reshape(-1, 2), points[-2:-1]])
