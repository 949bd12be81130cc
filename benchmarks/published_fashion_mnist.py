"""The published Fashion-MNIST table: VAE and HVAE of gated dense layers, with the Gaussian prior and the VampPrior.

Test log p(x) in nats by 5000 importance samples; architecture, data and evaluation as published (Norouzi, Fleet &
Norouzi 2020, table of density estimation; Tomczak & Welling 2018). A run resumes where it was cut:

    python benchmarks/published_fashion_mnist.py --model vae --prior standard_normal --seed 0
    python benchmarks/published_fashion_mnist.py --model vae --prior standard_normal --quick
"""

import argparse
import pathlib

import protocol

import keras_vae as kv

HERE = pathlib.Path(__file__).parent
PUBLISHED = {
    ("vae", "standard_normal"): -228.70,
    ("vae", "vamp"): -227.35,
    ("hvae", "standard_normal"): -227.37,
    ("hvae", "vamp"): -226.72,
}
LATENT_DIM, UNITS, PSEUDO_INPUTS = 40, 300, 500
GATED = {"gated": True, "kernel_initializer": "he_normal"}
GAUSSIAN = {"log_var_range": (-6.0, 2.0), "kernel_initializer": "he_normal"}
RECIPE = (
    "as published: Adam on unit-norm gradients, learning rate 5e-4, batch 100, one-sample Monte-Carlo KL, beta from 0 "
    "to 1 over the first 100 epochs (here step by step, there epoch by epoch), early stopping on the one-sample "
    "validation elbo with 50 epochs' patience counted from epoch 100, best "
    "weights; mean and log-variance come from one kernel, one tensor for the unit norm, the published code has two"
)


def make(model, prior, *, event_shape, steps_per_epoch, warm_up, seed):
    """Make one of the table's models.

    Parameters
    ----------
    model : {"vae", "hvae"}
        One level of 40 latent dimensions, or two.
    prior : {"standard_normal", "vamp"}
        The prior, of the top level.
    event_shape : tuple of int
        Of the images.
    steps_per_epoch, warm_up : int
        Beta reaches 1 after `warm_up` epochs.
    seed : int
        Of the noise.
    """
    top_prior = kv.priors.VampPrior(PSEUDO_INPUTS) if prior == "vamp" else kv.priors.StandardNormal()
    beta = kv.schedules.LinearSchedule(0.0, 1.0, steps=max(1, warm_up * steps_per_epoch))
    shared = {
        "likelihood": kv.likelihoods.Bernoulli(event_shape, kernel_initializer="he_normal"),
        "objective": kv.objectives.ELBO(beta=beta, kl="monte_carlo"),
        "seed": seed,
    }
    if model == "vae":
        return kv.VAE(
            encoder=kv.networks.MLPEncoder((UNITS, UNITS), **GATED),
            posterior=kv.posteriors.DiagonalGaussian(LATENT_DIM, **GAUSSIAN),
            decoder=kv.networks.MLPDecoder((UNITS, UNITS), **GATED),
            prior=top_prior,
            **shared,
        )
    return kv.HierarchicalVAE(
        encoders=[
            kv.networks.JoinedMLP((UNITS,), (UNITS,), **GATED),
            kv.networks.MLPEncoder((UNITS, UNITS), **GATED),
        ],
        posteriors=[kv.posteriors.DiagonalGaussian(LATENT_DIM, **GAUSSIAN) for _ in range(2)],
        priors=[
            kv.priors.ConditionalGaussian(kv.networks.MLPDecoder((UNITS, UNITS), **GATED), **GAUSSIAN),
            top_prior,
        ],
        decoder=kv.networks.JoinedMLP((UNITS,), (UNITS,), **GATED),
        **shared,
    )


def main(arguments=None):
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=["vae", "hvae"], default="vae")
    parser.add_argument("--prior", choices=["standard_normal", "vamp"], default="standard_normal")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=2000, help="at most; early stopping ends training before")
    parser.add_argument("--num-samples", type=int, default=5000)
    parser.add_argument("--quick", action="store_true", help="the whole path in a minute; its row says so")
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "results" / "published_fashion_mnist.json")
    parser.add_argument("--work", type=pathlib.Path, default=HERE.parent / "runs" / "published_fashion_mnist")
    options = parser.parse_args(arguments)

    data = protocol.split("fashion_mnist")
    warm_up, patience, epochs, num_samples, batch_size = 100, 50, options.epochs, options.num_samples, 100
    if options.quick:
        data = protocol.Split(data.train[:2000], data.validation[:200], data.test[:100])
        warm_up, patience, epochs, num_samples = 1, 1, 2, 100
    name = f"{options.model}-{options.prior}-{options.seed}{'-quick' if options.quick else ''}"

    vae, state = protocol.train(
        lambda: make(
            options.model,
            options.prior,
            event_shape=data.train.shape[1:],
            steps_per_epoch=-(-len(data.train) // batch_size),
            warm_up=warm_up,
            seed=options.seed,
        ),
        data,
        directory=options.work / name,
        seed=options.seed,
        batch_size=batch_size,
        epochs=epochs,
        patience=patience,
        warm_up=warm_up,
        compile_options={
            "optimizer": kv.optimizers.NormScaledAdam(5e-4),
            "jit_compile": True,
            "steps_per_execution": 50,
        },
    )
    results = protocol.evaluate(vae, data.test, num_samples=num_samples, seed=options.seed)
    row = protocol.append_row(
        options.output,
        {
            "model": options.model,
            "prior": options.prior,
            "seed": options.seed,
            "epochs": state["epoch"],
            "best_epoch": state["best_epoch"],
            "best_validation_elbo": state["best_elbo"],
            **results,
            "published": PUBLISHED[options.model, options.prior],
            "seconds": round(state["seconds"], 1),
            "recipe": RECIPE,
            "quick": options.quick,
        },
    )
    print(
        f"{name}: test log p(x) {row['test_log_evidence']:.2f} +- {row['standard_error']:.2f} nats "
        f"(published {row['published']:.2f}), elbo {row['test_elbo']:.2f}, {row['epochs']} epochs"
    )


if __name__ == "__main__":
    main()
