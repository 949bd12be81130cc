"""What a figure looks like once it is a file."""

import io

import numpy as np


def rendered(figure):
    """Return the figure's PNG as an array of shape (height, width, 3), uint8."""
    from PIL import Image

    file = io.BytesIO()
    figure.savefig(file, format="png")
    return np.asarray(Image.open(file).convert("RGB"))


def words(figure):
    """Return all that is written on the figure."""
    from matplotlib.text import Text

    figure.canvas.draw()
    return [text.get_text() for text in figure.findobj(Text) if text.get_text() and text.get_visible()]


def axes_at(figure, index=0):
    """Return where the axes lie in the rendered array: top, bottom, left, right."""
    box = figure.axes[index].get_window_extent()
    height = round(figure.get_figheight() * figure.dpi)
    return height - round(box.y1), height - round(box.y0), round(box.x0), round(box.x1)
