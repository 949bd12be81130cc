"""A hand-written JAX step: one jitted function with donated state, data in memory, Adam by hand."""

import jax
import jax.numpy as jnp
import numpy as np

VARIANTS = ("",)
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
LAYOUT = ("NHWC", "HWIO", "NHWC")


def initial(workload):
    """Return the weights as a list of arrays, in the order of use."""
    generator, weights = np.random.default_rng(0), []

    def dense(size, units):
        limit = np.sqrt(6.0 / (size + units))
        weights.extend([generator.uniform(-limit, limit, (size, units)), np.zeros(units)])

    def convolution(channels, filters):
        limit = np.sqrt(6.0 / (9 * (channels + filters)))
        weights.extend([generator.uniform(-limit, limit, (3, 3, channels, filters)), np.zeros(filters)])

    def trunk(size):
        for units in workload.widths:
            for _ in range(2 if workload.activation == "gated" else 1):
                dense(size, units)
            size = units
        return size

    if workload.kind == "conv":
        channels = workload.event_shape[-1]
        for filters in workload.widths:
            convolution(channels, filters)
            channels = filters
        small = int(np.prod(workload.small_shape))
        dense(small, workload.hidden)
        size = workload.hidden
    else:
        size = trunk(workload.event_size)
    dense(size, workload.latent_dim)
    dense(size, workload.latent_dim)
    if workload.kind == "conv":
        dense(workload.latent_dim, small)
        for filters in (*workload.widths[::-1], workload.event_shape[-1]):
            convolution(channels, filters)
            channels = filters
    else:
        dense(trunk(workload.latent_dim), workload.event_size)
    return [jnp.asarray(array, jnp.float32) for array in weights]


def loss_of(weights, workload, x, key):
    """Return minus the elbo of a batch."""
    rest = iter(weights)

    def dense(x, activation=lambda x: x):
        return activation(x @ next(rest) + next(rest))

    def trunk(x):
        for _ in workload.widths:
            if workload.activation == "gated":
                x = dense(x) * dense(x, jax.nn.sigmoid)
            else:
                x = dense(x, {"tanh": jnp.tanh, "relu": jax.nn.relu}[workload.activation])
        return x

    size = len(x)
    if workload.kind == "conv":
        h = x
        for _ in workload.widths:
            h = jax.lax.conv_general_dilated(h, next(rest), (2, 2), "SAME", dimension_numbers=LAYOUT)
            h = jax.nn.relu(h + next(rest))
        h = dense(h.reshape(size, -1), jax.nn.relu)
    else:
        h = trunk(x.reshape(size, -1))
    mean, log_var = dense(h), dense(h)
    z = mean + jnp.exp(0.5 * log_var) * jax.random.normal(key, mean.shape)
    if workload.kind == "conv":
        h = dense(z, jax.nn.relu).reshape(size, *workload.small_shape)
        for _ in workload.widths:
            h = jax.nn.relu(jax.lax.conv_transpose(h, next(rest), (2, 2), "SAME") + next(rest))
        logits = jax.lax.conv_transpose(h, next(rest), (1, 1), "SAME") + next(rest)
    else:
        logits = dense(trunk(z)).reshape(x.shape)
    distortion = jnp.sum(jnp.maximum(logits, 0) - logits * x + jnp.log1p(jnp.exp(-jnp.abs(logits)))) / size
    rate = 0.5 * jnp.sum(mean**2 + jnp.exp(log_var) - log_var - 1.0) / size
    return distortion + rate


def make_step(workload):
    """Return the step: it takes the state, the images, the epoch's order and the step's number."""
    size = workload.batch_size

    def step(state, images, order, number, key):
        weights, first, second, count = state
        x = images[jax.lax.dynamic_slice_in_dim(order, number * size, size)]
        key = jax.random.fold_in(key, count)
        if workload.binarize:
            x = (jax.random.uniform(jax.random.fold_in(key, 1), x.shape) < x).astype(jnp.float32)
        loss, gradients = jax.value_and_grad(loss_of)(weights, workload, x, key)
        count = count + 1
        scale = workload.learning_rate * jnp.sqrt(1.0 - BETA_2**count) / (1.0 - BETA_1**count)
        first = [BETA_1 * m + (1.0 - BETA_1) * g for m, g in zip(first, gradients, strict=True)]
        second = [BETA_2 * v + (1.0 - BETA_2) * g * g for v, g in zip(second, gradients, strict=True)]
        weights = [w - scale * m / (jnp.sqrt(v) + EPSILON) for w, m, v in zip(weights, first, second, strict=True)]
        return (weights, first, second, count), loss

    return jax.jit(step, donate_argnums=0)


def train(workload, variant, laps):
    """Train without end, an epoch a lap."""
    weights = initial(workload)
    number_of_weights = sum(array.size for array in weights)
    state = (weights, [jnp.zeros_like(w) for w in weights], [jnp.zeros_like(w) for w in weights], jnp.float32(0))
    step, images, key = make_step(workload), jnp.asarray(workload.images()), jax.random.key(0)
    epoch = 0
    while True:
        laps.begin()
        order = jax.random.permutation(jax.random.fold_in(key, epoch), workload.num_images)
        losses = []
        for number in range(workload.num_images // workload.batch_size):
            state, loss = step(state, images, order, number, key)
            losses.append(loss)
        epoch += 1
        laps.end(np.mean([float(loss) for loss in losses]), weights=number_of_weights)
