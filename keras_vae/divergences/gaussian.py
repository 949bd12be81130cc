"""The KL divergence between two Gaussians of any covariance."""

import tensorflow as tf
from numpy.typing import ArrayLike


def gaussian_kl(
    mean_1: ArrayLike | tf.Tensor,
    covariance_1: ArrayLike | tf.Tensor,
    mean_2: ArrayLike | tf.Tensor,
    covariance_2: ArrayLike | tf.Tensor,
) -> tf.Tensor:
    """Return KL[N(mean_1, covariance_1) || N(mean_2, covariance_2)] (Duchi 2007, "Derivations for linear algebra").

    `1/2 [log(|C2| / |C1|) - d + tr(C2^-1 C1) + (m2 - m1)^T C2^-1 (m2 - m1)]`, by Cholesky factors: no matrix is
    inverted and no determinant taken.

    Parameters
    ----------
    mean_1, mean_2 : array_like
        Shape (..., d).
    covariance_1, covariance_2 : array_like
        Shape (..., d, d), symmetric and positive definite.

    Returns
    -------
    tf.Tensor
        Shape (...), in nats.

    Raises
    ------
    ValueError
        If the shapes do not match.
    tf.errors.InvalidArgumentError
        If a covariance is not symmetric and positive definite. XLA drops the check, and the result is then NaN or
        that of the lower triangle.
    """
    mean_1, covariance_1, mean_2, covariance_2 = _tensors(mean_1, covariance_1, mean_2, covariance_2)
    for name, mean, covariance in (("1", mean_1, covariance_1), ("2", mean_2, covariance_2)):
        size = mean.shape[-1] if mean.shape.rank else None
        if covariance.shape.rank is None or covariance.shape.rank < 2 or covariance.shape[-2:] != [size, size]:
            raise ValueError(
                f"`covariance_{name}` must have shape (..., d, d) for `mean_{name}` of shape (..., d). "
                f"Received: shapes {tuple(covariance.shape)} and {tuple(mean.shape)}"
            )
    if mean_1.shape[-1] != mean_2.shape[-1]:
        raise ValueError(
            "`mean_1` and `mean_2` must have the same last dimension. "
            f"Received: shapes {tuple(mean_1.shape)} and {tuple(mean_2.shape)}"
        )
    return cholesky_kl(mean_1, _factor("1", covariance_1), mean_2, _factor("2", covariance_2))


def cholesky_kl(mean_1, scale_tril_1, mean_2, scale_tril_2):
    """Return the same divergence from lower-triangular factors L, covariance = L L^T.

    Parameters
    ----------
    mean_1, mean_2 : tf.Tensor
        Shape (..., d).
    scale_tril_1, scale_tril_2 : tf.Tensor
        Shape (..., d, d), lower-triangular with a positive diagonal.

    Returns
    -------
    tf.Tensor
        Shape (...), in nats.
    """
    size = tf.cast(tf.shape(mean_1)[-1], mean_1.dtype)
    batch = tf.broadcast_dynamic_shape(tf.shape(scale_tril_1)[:-2], tf.shape(scale_tril_2)[:-2])
    matrix = tf.shape(scale_tril_1)[-2:]
    # L2^-1 L1 gives the trace as its squared entries; L2^-1 (m2 - m1) gives the quadratic form likewise.
    whitened = tf.linalg.triangular_solve(
        tf.broadcast_to(scale_tril_2, tf.concat([batch, matrix], 0)),
        tf.broadcast_to(scale_tril_1, tf.concat([batch, matrix], 0)),
    )
    difference = mean_2 - mean_1
    batch = tf.broadcast_dynamic_shape(tf.shape(difference)[:-1], tf.shape(scale_tril_2)[:-2])
    shift = tf.linalg.triangular_solve(
        tf.broadcast_to(scale_tril_2, tf.concat([batch, matrix], 0)),
        tf.broadcast_to(difference, tf.concat([batch, [matrix[0]]], 0))[..., None],
    )
    log_determinants = [
        tf.reduce_sum(tf.math.log(tf.linalg.diag_part(factor)), axis=-1) for factor in (scale_tril_1, scale_tril_2)
    ]
    trace = tf.reduce_sum(tf.square(whitened), axis=[-2, -1])
    quadratic = tf.reduce_sum(tf.square(shift), axis=[-2, -1])
    return log_determinants[1] - log_determinants[0] + 0.5 * (trace + quadratic - size)


def _tensors(*values):
    """Convert to float64 if any array or tensor among the values has that precision, else to float32."""
    precisions = [tf.as_dtype(value.dtype) for value in values if hasattr(value, "dtype")]
    dtype = tf.float64 if tf.float64 in precisions else tf.float32
    return [tf.cast(value if hasattr(value, "dtype") else tf.constant(value, dtype), dtype) for value in values]


def _factor(name, covariance):
    """Return the Cholesky factor; TensorFlow's reads only the lower triangle, and gives NaN without a factor."""
    factor = tf.linalg.cholesky(covariance)
    asymmetry = tf.reduce_max(tf.abs(covariance - tf.linalg.matrix_transpose(covariance)))
    is_symmetric = asymmetry <= 1e-4 * tf.reduce_max(tf.abs(covariance))
    is_good = tf.logical_and(is_symmetric, tf.reduce_all(tf.math.is_finite(factor)))
    message = f"`covariance_{name}` must be symmetric and positive definite. Received:"
    with tf.control_dependencies([tf.debugging.Assert(is_good, [message, covariance])]):
        return tf.identity(factor)
