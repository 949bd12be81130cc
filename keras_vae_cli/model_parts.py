"""A model from a run's settings."""

import keras

import keras_vae as kv
from keras_vae_cli.arguments import locate


def build_model(settings, event_shape, steps_per_epoch, class_names=None):
    """Put a compiled model together; its initial weights follow from the seed."""
    keras.utils.set_random_seed(settings.seed)
    keras.config.set_dtype_policy(settings.precision)
    likelihood = _likelihood(settings, event_shape)
    encoder, decoder = _trunks(settings, likelihood, class_names)
    vae = kv.VAE(
        encoder=encoder,
        posterior=kv.posteriors.DiagonalGaussian(latent_dim=settings.latent_dim),
        decoder=decoder,
        likelihood=likelihood,
        prior=_prior(settings, likelihood),
        objective=_objective(settings, steps_per_epoch),
        condition=kv.conditions.Labels(len(class_names), names=class_names) if class_names else None,
        seed=settings.seed,
    )
    if settings.start_from is not None:
        _take_weights(vae, settings.start_from)
    vae.compile(optimizer=keras.optimizers.Adam(settings.learning_rate))
    return vae


def _take_weights(vae, name):
    """Begin with the weights of another model, whose parts are the same."""
    other = kv.load_model(locate(name), compile=False)
    vae.ensure_built()
    for part in vae.part_names:
        mine, theirs = (_shapes(getattr(model, part, None)) for model in (vae, other))
        if mine != theirs:
            raise ValueError(
                f"`start_from` must be a model of the same parts and sizes: `--config` with its config.toml takes them "
                f"over. Received: {name}, where the weights of the {part} have shapes {theirs} and not {mine}"
            )
    vae.set_weights(other.get_weights())


def _shapes(part):
    return [tuple(weight.shape) for weight in getattr(part, "weights", ())]


def _likelihood(settings, event_shape):
    if settings.likelihood == "gaussian":
        return kv.likelihoods.Gaussian(event_shape, scale=settings.scale)
    if settings.likelihood == "categorical":
        return kv.likelihoods.Categorical(event_shape, settings.num_categories)
    kinds = {"bernoulli": kv.likelihoods.Bernoulli, "continuous_bernoulli": kv.likelihoods.ContinuousBernoulli}
    return kinds[settings.likelihood](event_shape)


def _trunks(settings, likelihood, class_names):
    activation = {"activation": settings.activation}
    if settings.architecture == "mlp":
        encoder = kv.networks.MLPEncoder(settings.units, **activation)
        decoder = kv.networks.MLPDecoder(settings.units[::-1], **activation)
    else:
        how = {"batch_normalization": settings.batch_normalization, **activation}
        encoder = kv.networks.ConvEncoder(settings.filters, **how)
        decoder = kv.networks.ConvDecoder(settings.filters[::-1], **how)
    if likelihood.integer_valued:  # an encoder learns best from numbers of about 1
        encoder = _rescaled(encoder, likelihood, class_names)
    return encoder, decoder


def _rescaled(encoder, likelihood, class_names):
    rescaling = keras.layers.Rescaling(1 / likelihood.support[1])
    if not class_names:
        return keras.Sequential([rescaling, encoder])
    x, label = keras.Input(likelihood.x_shape), keras.Input((len(class_names),))
    return keras.Model([x, label], encoder([rescaling(x), label]))


def _prior(settings, likelihood):
    if settings.prior == "gaussian_mixture":
        return kv.priors.GaussianMixture(settings.num_components)
    if settings.prior == "vamp":
        # The images' range; a Gaussian has no support of its own, but the images are in [0, 1].
        low, high = likelihood.support or (0.0, 1.0)
        return kv.priors.VampPrior(
            settings.num_components, mean=0.05 * high, stddev=0.01 * high, value_range=(low, high)
        )
    return kv.priors.StandardNormal()


def _objective(settings, steps_per_epoch):
    if settings.objective == "iwelbo":
        return kv.objectives.IWELBO(settings.num_samples, gradient=settings.gradient)
    return kv.objectives.ELBO(
        _beta(settings, steps_per_epoch),
        kl=settings.kl,
        free_bits=settings.free_bits,
        num_samples=settings.num_samples,
    )


def _beta(settings, steps_per_epoch):
    if settings.beta_schedule == "constant":
        return settings.beta
    steps = settings.beta_steps or max(1, round(settings.beta_epochs * steps_per_epoch))
    ends = (settings.beta_start, settings.beta)
    if settings.beta_schedule == "linear":
        return kv.schedules.LinearSchedule(*ends, steps=steps)
    if settings.beta_schedule == "cyclical":
        return kv.schedules.CyclicalSchedule(*ends, cycle_steps=steps)
    # Six widths from the middle, the curve is within 1/400 of its end.
    return kv.schedules.SigmoidSchedule(*ends, midpoint=steps, width=steps / 6)
