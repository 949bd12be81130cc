"""A hand-written TensorFlow step: variables, one `tf.function`, data in memory, Adam as one fused operation."""

import numpy as np
import tensorflow as tf

VARIANTS = ("xla", "xla_binary_outside", "graph")
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7


class Weights(tf.Module):
    """Makes variables in the order in which they are asked for, and later hands them out again."""

    def __init__(self):
        super().__init__()
        self.all, self._next = [], None
        self._generator = np.random.default_rng(0)

    def rewind(self):
        """Begin again with the first one."""
        self._next = iter(self.all) if self.all else None

    def get(self, shape, fan):
        """Return the next variable, Glorot's uniform or zero."""
        if self._next is not None:
            return next(self._next)
        limit = np.sqrt(6.0 / fan) if fan else 0.0
        self.all.append(tf.Variable(self._generator.uniform(-limit, limit, shape).astype("float32")))
        return self.all[-1]


def dense(weights, x, units, activation=tf.identity):
    """Multiply, add, activate."""
    size = x.shape[-1]
    return activation(x @ weights.get((size, units), size + units) + weights.get((units,), 0))


def layer(weights, x, units, activation):
    """Compute one dense layer of the trunk."""
    if activation == "gated":
        return dense(weights, x, units) * dense(weights, x, units, tf.sigmoid)
    return dense(weights, x, units, {"tanh": tf.tanh, "relu": tf.nn.relu}[activation])


def encode(weights, workload, x):
    """Compute the mean and the log-variance."""
    if workload.kind == "conv":
        for filters in workload.widths:
            kernel = weights.get((3, 3, x.shape[-1], filters), 9 * (x.shape[-1] + filters))
            x = tf.nn.relu(tf.nn.conv2d(x, kernel, 2, "SAME") + weights.get((filters,), 0))
        x = dense(weights, tf.reshape(x, [x.shape[0], -1]), workload.hidden, tf.nn.relu)
    else:
        x = tf.reshape(x, [x.shape[0], -1])
        for units in workload.widths:
            x = layer(weights, x, units, workload.activation)
    return dense(weights, x, workload.latent_dim), dense(weights, x, workload.latent_dim)


def decode(weights, workload, z):
    """Compute the logits."""
    x = z
    if workload.kind == "conv":
        x = dense(weights, x, int(np.prod(workload.small_shape)), tf.nn.relu)
        x = tf.reshape(x, [x.shape[0], *workload.small_shape])
        for filters, stride in [*((filters, 2) for filters in workload.widths[::-1]), (workload.event_shape[-1], 1)]:
            size, height, width, channels = x.shape
            kernel = weights.get((3, 3, filters, channels), 9 * (channels + filters))
            shape = [size, stride * height, stride * width, filters]
            x = tf.nn.conv2d_transpose(x, kernel, shape, stride) + weights.get((filters,), 0)
            x = x if stride == 1 else tf.nn.relu(x)
        return x
    for units in workload.widths[::-1]:
        x = layer(weights, x, units, workload.activation)
    return tf.reshape(dense(weights, x, workload.event_size), [x.shape[0], *workload.event_shape])


def make_step(workload, weights, images, *, compiled, binarized_inside):
    """Return the step: it takes the epoch's order, the step's number in it and overall, and returns the loss.

    Batches are gathered in the graph around what XLA compiles: within, it would take a hundred times as long.
    """
    size = workload.batch_size
    moments = []

    def binary(x, seed):
        return tf.cast(tf.random.stateless_uniform(x.shape, seed + 1) < x, tf.float32)

    def loss_of(x, seed):
        weights.rewind()
        mean, log_var = encode(weights, workload, x)
        z = mean + tf.exp(0.5 * log_var) * tf.random.stateless_normal(mean.shape, seed)
        logits = decode(weights, workload, z)
        distortion = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(x, logits)) / size
        rate = 0.5 * tf.reduce_sum(tf.square(mean) + tf.exp(log_var) - log_var - 1.0) / size
        return distortion + rate

    @tf.function(jit_compile=compiled)
    def update(x, count):
        seed = tf.stack([count, 0])
        if workload.binarize and binarized_inside:
            x = binary(x, seed)
        with tf.GradientTape() as tape:
            loss = loss_of(x, seed)
        time = tf.cast(count, tf.float32) + 1.0
        powers = tf.pow(BETA_1, time), tf.pow(BETA_2, time)
        for variable, gradient, (first, second) in zip(
            weights.all, tape.gradient(loss, weights.all), moments, strict=True
        ):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=powers[0],
                beta2_power=powers[1],
                lr=workload.learning_rate,
                beta1=BETA_1,
                beta2=BETA_2,
                epsilon=EPSILON,
                grad=gradient,
            )
        return loss

    @tf.function
    def step(order, number, count):
        x = tf.ensure_shape(tf.gather(images, tf.slice(order, [number * size], [size])), [size, *workload.event_shape])
        if workload.binarize and not binarized_inside:
            x = binary(x, tf.stack([count, 0]))
        return update(x, count)

    loss_of(tf.zeros([size, *workload.event_shape]), tf.constant([0, 0]))  # makes the weights
    moments.extend(
        (tf.Variable(tf.zeros_like(variable)), tf.Variable(tf.zeros_like(variable))) for variable in weights.all
    )
    return step


def train(workload, variant, laps):
    """Train without end, an epoch a lap."""
    weights = Weights()
    images = tf.constant(workload.images())
    step = make_step(
        workload, weights, images, compiled=variant != "graph", binarized_inside=variant != "xla_binary_outside"
    )
    number_of_weights = sum(int(np.prod(variable.shape)) for variable in weights.all)
    numbers = [tf.constant(number) for number in range(workload.num_images // workload.batch_size)]
    count, order = 0, tf.range(workload.num_images)
    while True:
        laps.begin()
        order = tf.random.shuffle(order)
        losses = []
        for number in numbers:
            losses.append(step(order, number, tf.constant(count)))
            count += 1
        laps.end(np.mean([loss.numpy() for loss in losses]), weights=number_of_weights)
