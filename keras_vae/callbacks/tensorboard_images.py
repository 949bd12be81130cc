"""Figures for TensorBoard."""

import io

import tensorflow as tf


def write_figure(writer, name, figure, step):
    """Write a figure as `tf.summary.image` would, which needs the package tensorboard; this needs TensorFlow alone.

    Parameters
    ----------
    writer : tf.summary.SummaryWriter
        Where to.
    name : str
        The tag.
    figure : matplotlib.figure.Figure
        What to show.
    step : int
        When.
    """
    metadata = tf.compat.v1.SummaryMetadata(
        plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="images", content=b"")
    )
    png = io.BytesIO()
    figure.savefig(png, format="png")
    height, width, _ = tf.io.decode_png(png.getvalue()).shape
    with writer.as_default(), tf.summary.record_if(True):
        tf.summary.write(name, [str(width), str(height), png.getvalue()], step=step, metadata=metadata)
    writer.flush()
