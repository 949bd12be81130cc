"""What a figure looks like once it is a file."""

import io

import numpy as np

import keras_vae as kv


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
    return [text.get_text().strip() for text in figure.findobj(Text) if text.get_text() and text.get_visible()]


def axes_at(figure, index=0):
    """Return where the axes lie in the rendered array: top, bottom, left, right."""
    box = figure.axes[index].get_window_extent()
    height = round(figure.get_figheight() * figure.dpi)
    return height - round(box.y1), height - round(box.y0), round(box.x0), round(box.x1)


def shown(figure, pixels_high):
    """Return what the axes show, one value for each pixel of the images and of the gaps between them."""
    top, bottom, left, right = axes_at(figure)
    dots = (bottom - top) // pixels_high
    assert (bottom - top) % pixels_high == 0
    region = rendered(figure)[top:bottom, left:right]
    pixels = region[::dots, ::dots]
    # Every pixel is a square of one colour: nothing is smoothed, nothing is cut.
    np.testing.assert_array_equal(np.kron(pixels, np.ones((dots, dots, 1), np.uint8)), region)
    return pixels


def hierarchical_vae(shape=(8, 8, 1)):
    """Build a small model of images with two levels of latents, of 3 and 2 dimensions."""
    return kv.HierarchicalVAE(
        encoders=[kv.networks.JoinedMLP((6,), (4,)), kv.networks.MLPEncoder((6,))],
        posteriors=[kv.posteriors.DiagonalGaussian(3), kv.posteriors.DiagonalGaussian(2)],
        priors=[kv.priors.ConditionalGaussian(kv.networks.MLPDecoder((4,))), kv.priors.StandardNormal()],
        decoder=kv.networks.JoinedMLP((4,), (6,)),
        likelihood=kv.likelihoods.Bernoulli(shape),
        seed=0,
    )
