"""Labels for some: a bound in which a missing label is summed out."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from keras_vae.conditions import Labels
from keras_vae.core import (
    Batch,
    Inference,
    Spec,
    check_instance,
    check_number,
    deserialize,
    last_activation,
    register,
    serialize,
)
from keras_vae.objectives.elbo import ELBO
from keras_vae.objectives.objective import Objective
from keras_vae.objectives.terms import Terms

MISSING = -1


@register
class SemiSupervised(Objective):
    """Minimise bounds on -log p(x, y) where the label y is known, and on -log p(x) where it is missing.

    It is the model M2 of Kingma et al. 2014 (section 3.1), of a model with the condition `Labels`. With q(y|x) by a
    classifier, and elbo(x|y) of the objective for known labels, an example costs

    - `-elbo(x|y) - log p(y) - w log q(y|x)` where y is known (eq. 6 and 9, whose alpha is w);
    - `sum_y q(y|x) (-elbo(x|y) - log p(y) + log q(y|x))` where it is missing (eq. 7): all classes are computed.

    The label -1 is missing; `fit`, `evaluate` and `score` take it, other verbs want every label.

    What is logged has the label summed out for all examples, so that it does not depend on how many labels are known:
    `elbo` is the bound on log p(x), `kl_loss` contains KL[q(y|x) || p(y)]. `classification_loss` is -log q(y|x), and 0
    where the label is missing.

    Parameters
    ----------
    classifier : keras.layers.Layer or keras.Model
        From x to logits of shape (batch, num_classes). It is trained and saved with the model.
    objective : Objective, optional
        Of x given its label: `ELBO()` by default, or `IWELBO`.
    classification_weight : float
        w, at least 0, for each example whose label is known. Kingma et al. take 0.1 times the number of examples: with
        few labels it must be large, since their loss is added to that of all examples.
    class_prior : sequence of float, optional
        p(y), a positive number for each class, of the sum 1; uniform by default.

    Raises
    ------
    TypeError
        If `classifier` is not a Keras layer, or `objective` is not an objective.
    ValueError
        If an argument is out of range, or the objective couples examples or has losses of its own for the encoder.

    Examples
    --------
    >>> classifier = keras.Sequential([keras_vae.networks.MLPEncoder((500,)), keras.layers.Dense(10)])
    >>> objective = SemiSupervised(classifier, classification_weight=100.0)
    """

    def __init__(
        self,
        classifier: keras.layers.Layer,
        *,
        objective: Objective | None = None,
        classification_weight: float = 100.0,
        class_prior: Sequence[float] | None = None,
    ):
        self.classifier = check_instance("classifier", classifier, keras.layers.Layer, "a Keras layer or model")
        objective = ELBO() if objective is None else objective
        self.objective = check_instance("objective", objective, Objective, "a `keras_vae.objectives.Objective`")
        if objective.couples_examples or objective.has_inference_losses:
            raise ValueError(
                "`objective` must be one that judges each example alone, with one loss for all parts, such as `ELBO()` "
                f"or `IWELBO()`. Received: {type(objective).__name__}"
            )
        self.classification_weight = check_number("classification_weight", classification_weight, minimum=0.0)
        self.class_prior = None if class_prior is None else tuple(map(float, class_prior))
        if self.class_prior is not None and not (min(self.class_prior) > 0 and np.isclose(sum(self.class_prior), 1.0)):
            raise ValueError(
                f"`class_prior` must hold positive numbers of the sum 1. Received: class_prior={self.class_prior}"
            )

    @property
    def num_samples(self) -> int:
        """Posterior samples for each example and class."""
        return self.objective.num_samples

    @property
    def needs_density(self) -> bool:
        """Whether q(z|x, y) must have a density."""
        return self.objective.needs_density

    @property
    def layers(self) -> tuple:
        """The classifier."""
        return (self.classifier,)

    def build(self, x: Any, condition: Any) -> None:
        """Build the classifier, and refuse another condition than its classes."""
        check_instance("condition", condition, Labels, "`keras_vae.conditions.Labels` for `SemiSupervised`")
        sizes, wanted = tuple(self.classifier(x).shape)[1:], condition.num_classes
        if sizes != (wanted,):
            raise ValueError(
                f"`classifier` must end in {wanted} logits, one for each class, such as by `keras.layers.Dense("
                f"{wanted})`. Received: features of shape {('batch', *sizes)}"
            )
        name = last_activation(self.classifier)
        if name in ("sigmoid", "hard_sigmoid", "softmax", "log_softmax"):
            raise ValueError(
                "`classifier` must end in logits, which the objective passes through a softmax: leave the activation "
                f"of its last layer out. Received: the activation {name}"
            )
        if self.class_prior is not None and len(self.class_prior) != wanted:
            raise ValueError(f"`class_prior` must hold {wanted} numbers. Received: {len(self.class_prior)}")

    def spec(self, spec: Spec) -> Spec:
        """Let labels be missing."""
        condition = check_instance("condition", spec.condition, tuple, "`keras_vae.conditions.Labels`")
        return spec._replace(condition=condition._replace(support=(float(MISSING), condition.support[1])))

    def __call__(self, record: Inference, *, step: int | tf.Tensor, training: bool) -> Terms:
        """Compute the terms of examples whose labels are known, as the objective given the label has them."""
        return self.objective(record, step=step, training=training)

    def terms(
        self, batch: Batch, infer: Callable[[Batch], Inference], *, step: int | tf.Tensor, training: bool
    ) -> Terms:
        """Compute the terms of a batch: each example is inferred with each class."""
        log_q = self.log_probabilities(batch.x, training)  # (batch, classes)
        q, classes = tf.exp(log_q), log_q.shape[-1]
        log_p = tf.math.log(tf.constant(self.class_prior or [1 / classes] * classes, log_q.dtype))
        rate = tf.reduce_sum(q * (log_q - log_p), axis=-1)  # KL[q(y|x) || p(y)]

        labels = tf.cast(batch.condition, tf.int32)
        is_known, one_hot = labels > MISSING, tf.one_hot(labels, classes, dtype=q.dtype)
        shares = tf.where(is_known[:, None], one_hot, q)  # what of an example belongs to each class
        found = self.objective(infer(_enumerated(batch, tf.stop_gradient(shares))), step=step, training=training)

        def mean(values, shares):
            """Average what is known of each class, of shape (classes * batch,)."""
            return tf.reduce_sum(tf.transpose(tf.reshape(values, [classes, -1])) * shares, axis=-1)

        classification_loss = -tf.reduce_sum(one_hot * log_q, axis=-1)  # 0 where there is no label
        own_rate = tf.where(is_known, -tf.reduce_sum(one_hot * log_p, axis=-1), rate)
        loss = mean(found.loss, shares) + own_rate + self.classification_weight * classification_loss
        logs = {}
        for name, value in found.logs.items():
            value = tf.convert_to_tensor(value)
            sign = 1.0 if name == "kl_loss" else -1.0 if name.endswith("elbo") else 0.0
            logs[name] = value if value.shape.rank == 0 else mean(value, q) + sign * rate
        return Terms(loss=loss, logs={**logs, "classification_loss": classification_loss})

    def log_probabilities(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return log q(y|x), by the classifier alone.

        Parameters
        ----------
        x : tf.Tensor
            Shape (batch, *x_shape).
        training : bool
            Whether layers behave as in training.

        Returns
        -------
        tf.Tensor
            Shape (batch, num_classes).
        """
        dtype = self.classifier.variable_dtype
        logits = self.classifier(tf.cast(x, dtype), training=training)
        return tf.nn.log_softmax(tf.cast(logits, dtype))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the objective."""
        return {
            "classifier": serialize(self.classifier),
            "objective": serialize(self.objective),
            "classification_weight": self.classification_weight,
            "class_prior": self.class_prior,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuild the objective, its classifier and the objective given the label."""
        return cls(**{**config, **{name: deserialize(config[name]) for name in ("classifier", "objective")}})


def _enumerated(batch, shares):
    """Repeat a batch with each class in turn, weighted by the shares that its examples have in the class."""
    size, classes = tf.shape(shares)[0], shares.shape[-1]
    repeated = batch.map(lambda rows: tf.tile(rows, [classes, *[1] * (rows.shape.rank - 1)]))
    weights = tf.reshape(tf.transpose(shares), [-1])  # (classes * batch,)
    if repeated.sample_weight is not None:
        weights *= tf.cast(repeated.sample_weight, weights.dtype)
    return repeated._replace(condition=tf.repeat(tf.range(classes), size), sample_weight=weights)
