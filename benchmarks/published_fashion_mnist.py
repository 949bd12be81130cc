"""The published Fashion-MNIST table: VAE and HVAE of gated dense layers, with the Gaussian prior and the VampPrior.

Test log p(x) in nats by 5000 importance samples; architecture, data and evaluation as published (Norouzi, Fleet &
Norouzi 2020, table of density estimation; Tomczak & Welling 2018). A run resumes where it was cut:

    python benchmarks/published_fashion_mnist.py --model vae --prior standard_normal --recipe published --seed 0
    python benchmarks/published_fashion_mnist.py --model vae --prior standard_normal --recipe importance --seed 0
    python benchmarks/published_fashion_mnist.py --model hvae --prior vamp --recipe regularized --seed 0
    python benchmarks/published_fashion_mnist.py --model hvae --prior vamp --quick

`--likelihood autoregressive`, with pixels that also see those before them, is our own and not in that table.
`--recipe brief`, `narrow` and `gentle` are meant for two hours on two cores, and `--prior mixture` costs less than the
VampPrior:

    python benchmarks/published_fashion_mnist.py --likelihood autoregressive --prior mixture --recipe gentle

The results also have a row of a recipe `averaged`. It can no longer be run: its objective was not a bound on log p(x)
and has been removed.
"""

import argparse
import dataclasses
import pathlib

import keras
import protocol
from recipes import RECIPES

import keras_vae as kv

HERE = pathlib.Path(__file__).parent
PUBLISHED = {
    ("vae", "standard_normal"): -228.70,
    ("vae", "vamp"): -227.35,
    ("hvae", "standard_normal"): -227.37,
    ("hvae", "vamp"): -226.72,
}
BEST = -224.63  # of the table's models whose decoder sees no pixels, a hierarchy of convolutions with exemplar prior
LATENT_DIM, UNITS, COMPONENTS = 40, 300, 500
HALF = {"dtype": "mixed_bfloat16"}
LOOK_BACK = {"window": 3, "filters": 64, "depth": 8, "features": 4, "block": 2, **HALF}
ALL_BUT_LOOK_BACK = r"^(?!.*/context/(first|middle|further_\d+)$)"  # which are its convolutions, as matrices
GATED = {"gated": True, "kernel_initializer": "he_normal"}
PRIORS = {
    "standard_normal": kv.priors.StandardNormal,
    "vamp": lambda: kv.priors.VampPrior(COMPONENTS),
    "mixture": lambda: kv.priors.GaussianMixture(COMPONENTS),
}
GAUSSIAN = {"log_var_range": (-6.0, 2.0), "kernel_initializer": "he_normal"}


def make(model, prior, *, event_shape, steps_per_epoch, warm_up, seed, likelihood="bernoulli", units=UNITS, half=False):
    """Make one of the table's models.

    Parameters
    ----------
    model : {"vae", "hvae"}
        One level of 40 latent dimensions, or two.
    prior : {"standard_normal", "vamp", "mixture"}
        The prior, of the top level.
    event_shape : tuple of int
        Of the images.
    steps_per_epoch, warm_up : int
        Beta reaches 1 after `warm_up` epochs.
    seed : int
        Of the noise.
    likelihood : {"bernoulli", "autoregressive"}
        Whether pixels are independent given the latents, as in the table, or see those before them.
    units : int
        Of the dense layers.
    half : bool
        Whether layers multiply in bfloat16; where pixels see those before them they do.
    """
    top_prior = PRIORS[prior]()
    beta = kv.schedules.LinearSchedule(0.0, 1.0, steps=max(1, warm_up * steps_per_epoch))
    precision = HALF if half or likelihood == "autoregressive" else {}
    gated = GATED | precision
    if likelihood == "bernoulli":
        likelihood = kv.likelihoods.Bernoulli(event_shape, kernel_initializer="he_normal", **precision)
    else:
        likelihood = kv.likelihoods.AutoregressiveBernoulli(event_shape, kernel_initializer="he_normal", **LOOK_BACK)
    shared = {
        "likelihood": likelihood,
        "objective": kv.objectives.ELBO(beta=beta, kl="monte_carlo"),
        "seed": seed,
    }
    if model == "vae":
        return kv.VAE(
            encoder=kv.networks.MLPEncoder((units, units), **gated),
            posterior=kv.posteriors.DiagonalGaussian(LATENT_DIM, **GAUSSIAN),
            decoder=kv.networks.MLPDecoder((units, units), **gated),
            prior=top_prior,
            **shared,
        )
    return kv.HierarchicalVAE(
        encoders=[
            kv.networks.JoinedMLP((units,), (units,), **gated),
            kv.networks.MLPEncoder((units, units), **gated),
        ],
        posteriors=[kv.posteriors.DiagonalGaussian(LATENT_DIM, **GAUSSIAN) for _ in range(2)],
        priors=[
            kv.priors.ConditionalGaussian(kv.networks.MLPDecoder((units, units), **gated), **GAUSSIAN),
            top_prior,
        ],
        decoder=kv.networks.JoinedMLP((units,), (units,), **gated),
        **shared,
    )


def compile_options(learning_rate, decay_steps=None, *, compiled=True, weight_decay=None, muon=False, **own):
    """Return the protocol's optimizer, which has no weight decay and is Adam for all, and how the step is run."""
    if decay_steps is not None:
        learning_rate = keras.optimizers.schedules.CosineDecay(learning_rate, decay_steps)
    own["weight_decay"] = weight_decay
    if muon:
        own |= {"adam_weight_decay": weight_decay, "exclude_layers": [ALL_BUT_LOOK_BACK]}
    optimizer = (kv.optimizers.NormScaledMuon if muon else kv.optimizers.NormScaledAdam)(learning_rate, **own)
    return {
        "optimizer": optimizer,
        "jit_compile": compiled,
        "steps_per_execution": 50,
    }


def with_parts(vae, seed, **changes):
    """Make a model of the same parts, those that are trained with their weights, except for the changes."""
    parts = {name: getattr(vae, name) for name in (*vae.part_names, *vae.sequence_names)}
    return type(vae)(**{**parts, **changes}, seed=seed)


def tightened(vae, num_samples, seed, gradient="dreg"):
    """Make a model of the same trained parts that maximises the importance-weighted bound."""
    return with_parts(vae, seed, objective=kv.objectives.IWELBO(num_samples, gradient=gradient))


def main(arguments=None):
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=["vae", "hvae"], default="vae")
    parser.add_argument("--prior", choices=list(PRIORS), default="standard_normal")
    parser.add_argument("--likelihood", choices=["bernoulli", "autoregressive"], default="bernoulli")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--recipe", choices=list(RECIPES), default="published")
    parser.add_argument("--epochs", type=int, help="at most; by default the recipe's")
    parser.add_argument("--num-samples", type=int, default=5000)
    parser.add_argument("--quick", action="store_true", help="the whole path in a minute; its row says so")
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "results" / "published_fashion_mnist.json")
    parser.add_argument("--work", type=pathlib.Path, default=HERE.parent / "runs" / "published_fashion_mnist")
    options = parser.parse_args(arguments)

    data = protocol.split("fashion_mnist")
    recipe, num_samples = RECIPES[options.recipe], options.num_samples
    recipe = dataclasses.replace(recipe, epochs=options.epochs or recipe.epochs)
    independent = options.likelihood == "bernoulli"
    if options.quick:
        # A processor without instructions for bfloat16 takes minutes for a thousand images of the other likelihood.
        part = 5 if independent else 2
        data = protocol.Split(data.train[: 100 * part], data.validation[: 10 * part], data.test[: 5 * part])
        tuning = recipe.tuning and dataclasses.replace(recipe.tuning, epochs=1)
        recipe, num_samples = dataclasses.replace(recipe, warm_up=1, epochs=2, tuning=tuning), 100
    parts = [options.model, options.prior, *[options.likelihood] * (not independent), str(options.seed)]
    parts += [options.recipe] * (options.recipe != "published") + ["quick"] * options.quick
    name = "-".join(parts)
    steps_per_epoch = -(-len(data.train) // recipe.batch_size)

    def optimized(learning_rate, epochs, **own):
        decay_steps = epochs * steps_per_epoch if recipe.decay else None
        return compile_options(learning_rate, decay_steps, compiled=independent, **own)

    shared = {"seed": options.seed, "batch_size": recipe.batch_size}
    vae, state = protocol.train(
        lambda: make(
            options.model,
            options.prior,
            event_shape=data.train.shape[1:],
            steps_per_epoch=steps_per_epoch,
            warm_up=recipe.warm_up,
            seed=options.seed,
            likelihood=options.likelihood,
            units=recipe.units,
        ),
        data,
        directory=options.work / name,
        epochs=recipe.epochs,
        patience=recipe.patience,
        warm_up=recipe.warm_up,
        compile_options=optimized(
            recipe.learning_rate, recipe.epochs, weight_decay=recipe.weight_decay, muon=recipe.muon
        ),
        **shared,
    )
    found = {"epochs": state["epoch"], "best_epoch": state["best_epoch"], "best_validation_elbo": state["best"]}
    seconds = state["seconds"]
    if recipe.tuning:
        elbo_trained, tuning = vae, recipe.tuning
        gradient = "dreg" if options.model == "vae" else tuning.gradient
        vae, state = protocol.train(
            lambda: tightened(elbo_trained, tuning.num_samples, options.seed, gradient),
            data,
            directory=options.work / name / "tuned",
            epochs=tuning.epochs,
            warm_up=0,
            monitor="val_iwelbo",
            compile_options=optimized(tuning.learning_rate, tuning.epochs),
            **shared,
        )
        found |= {"epochs": found["epochs"] + state["epoch"], "best_validation_iwelbo": state["best"]}
        seconds += state["seconds"]
    results = protocol.evaluate(vae, data.test, num_samples=num_samples, seed=options.seed)
    row = protocol.append_row(
        options.output,
        {
            "model": options.model,
            "prior": options.prior,
            "likelihood": options.likelihood,
            "seed": options.seed,
            **found,
            **results,
            "published": PUBLISHED.get((options.model, options.prior)) if independent else BEST,
            "seconds": round(seconds, 1),
            "recipe": recipe.text if options.epochs is None else f"{recipe.text}; here {recipe.epochs} epochs",
            "quick": options.quick,
        },
    )
    print(
        f"{name}: test log p(x) {row['test_log_evidence']:.2f} +- {row['standard_error']:.2f} nats "
        f"(published {row['published']}), elbo {row['test_elbo']:.2f}, {row['epochs']} epochs"
    )


if __name__ == "__main__":
    main()
