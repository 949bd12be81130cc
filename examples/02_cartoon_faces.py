# %% [markdown]
# # 2. Cartoon faces: large images from a folder, and arithmetic with them
#
# Colour images of 256 × 256 pixels have 196,608 values each, and a folder of them need not fit into memory. This
# example streams them from disk, trains a convolutional VAE with 200 latent dimensions, and then moves through its
# latent space: from one face to another, and from a face without glasses to the same face with them.
#
# The faces are Google's [Cartoon Set](https://google.github.io/cartoonset/) (CC BY 4.0) where you have it: unpack it
# and pass its folder with `--images`. Without it the package draws faces of its own.
#
# `make notebooks` writes these cells with their results into a notebook. In Colab, `!git clone` the repository and
# `%cd` into it in a first cell. In VS Code, open the file; in a terminal, run `python examples/02_cartoon_faces.py`.

# %%
import importlib.metadata
import os
import pathlib
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # "0" shows what TensorFlow notes, of a GPU say

if not any(importlib.metadata.distributions(name="keras-vae")):  # install it from the clone that this file is in
    here = pathlib.Path(globals().get("__file__", "here")).resolve()
    clone = next(folder for folder in here.parents if (folder / "setup.cfg").exists())
    installed = {package.name: package.version for package in importlib.metadata.distributions()}
    kept = [f"{name}=={installed[name]}" for name in ("tensorflow", "keras") if name in installed]  # as they are
    subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", *kept, str(clone)])

# %%
import argparse

import keras
import numpy as np

import keras_vae as kv

parser = argparse.ArgumentParser(description="A VAE of large colour images from a folder.", allow_abbrev=False)
parser.add_argument("--fast", action="store_true", help="seconds in place of minutes, and worse pictures")
parser.add_argument("--images", type=pathlib.Path, help="a folder of images, such as the Cartoon Set's")
parser.add_argument("--output", default="runs/02_cartoon_faces", type=pathlib.Path, help="the folder for the results")
options, _ = parser.parse_known_args()  # a notebook's kernel has arguments of its own
keras.utils.set_random_seed(0)

# %% [markdown]
# ## The images
#
# `write_faces` draws faces into a folder: a PNG file for each, and `factors.csv` with the skin, hair, eyes, glasses and
# so on of each. Face number 17 is always the same face, however many are drawn.
#
# `image_folder` makes a `tf.data.Dataset` of a folder: files are read, cropped, resized and scaled to [0, 1] while the
# model trains, a few batches ahead, in a new order in each epoch that the seed decides. The name of an image decides
# whether it is held out for validation. Broken files stop the run before it begins; with `on_error="skip"` they are
# named and left out.

# %%
size, num_faces = (64, 300) if options.fast else (256, 3000)
folder = options.images or kv.data.cartoon_faces.write_faces(options.output / "faces", num_faces, image_size=size)
train_data, test_data = kv.data.image_folder(
    folder, size, batch_size=16, shuffle=True, seed=0, validation_split=0.1, subset="both", on_error="skip"
)
print(f"{len(train_data.files)} images to learn from, {len(test_data.files)} to test with")

test_x = kv.data.read_images(folder, test_data.files[:16], size) / np.float32(255)
kv.plots.show(kv.plots.samples(test_x, columns=8), options.output / "images.png")

# %% [markdown]
# ## The model
#
# At 256 × 256 nearly all the time would go into the largest maps, so the first layer takes patches of 4 × 4 pixels at
# once, and the last one produces them. Between them four convolutions of stride 2 lead to maps of 4 × 4, and as many
# transposed ones lead back. Skin, hair and clothing vary independently of each other, which a single projection of the
# code cannot express: two dense layers in front of the decoder's maps can, and without them samples are blurred.
# Encoder and decoder may be any Keras model, here chains of our trunks and Keras's layers.
#
# The likelihood is a Gaussian, `projection=None` makes the decoder's output its mean as it stands, and sigma decides
# how many nats an error is worth ([example 5](05_calibrated_decoder.py)). The optimal sigma would be the root mean
# square error, a few hundredths. With 196,608 values in each image, it would spend hundreds of nats on every detail,
# and scatter the codes so much that a draw from the prior hits none of them. Some 30 nats distinguish faces like these
# (15 factors of 3 to 10 values each), and $\sigma = 1.5$ leaves about that: each nat must save a squared error of $2
# \sigma^2 = 4.5$, about that of a few hundred pixels of another colour.

# %%
epochs, batch_norm = (2 if options.fast else 24), {"activation": "leaky_relu", "batch_normalization": True}
encoder = keras.Sequential(
    [
        keras.layers.Conv2D(32, kernel_size=4, strides=4, activation="relu"),
        kv.networks.ConvEncoder((48, 64, 64, 64), **batch_norm),
        kv.networks.MLPEncoder((256,), activation="leaky_relu"),
    ]
)
decoder = keras.Sequential(
    [
        kv.networks.MLPDecoder((384, 384), activation="leaky_relu"),
        kv.networks.ConvDecoder((64, 64, 64, 48), event_shape=(size // 4, size // 4, 3), **batch_norm),
        keras.layers.Conv2DTranspose(3, kernel_size=8, strides=4, padding="same"),
    ]
)
vae = kv.VAE(
    encoder=encoder,
    posterior=kv.posteriors.DiagonalGaussian(latent_dim=200),
    decoder=decoder,
    likelihood=kv.likelihoods.Gaussian((size, size, 3), scale=1.5, projection=None),
    seed=0,
)
steps = epochs * int(train_data.cardinality())
vae.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)))
vae.summary()

# %% [markdown]
# ## Training
#
# `reconstruction_loss` is half the sum of squares over $\sigma^2$ and a constant, $\frac D 2 \ln (2 \pi \sigma^2)$,
# which is most of it: watch the changes, and `kl_loss`.

# %%
history = vae.fit(train_data, validation_data=test_data, epochs=epochs, verbose=2)
vae.save(options.output / "model.keras")
kv.plots.show(kv.plots.history(history), options.output / "loss.png")

# %% [markdown]
# ## Reconstructions
#
# Above: faces that the model has not seen in training. Below: what 200 numbers keep of them.

# %%
figure = kv.plots.reconstructions(test_x[:8], vae.reconstruct(test_x[:8]))
kv.plots.show(figure, options.output / "reconstructions.png")

# %% [markdown]
# ## New faces
#
# From 200 draws of a standard Gaussian each.

# %%
kv.plots.show(kv.plots.samples(vae.generate(24, seed=0), columns=8), options.output / "samples.png")

# %% [markdown]
# ## From face to face
#
# Codes on the way from one face to another, decoded. In many dimensions nearly all of a Gaussian lies close to a
# sphere, and the straight line between two points takes a short cut through its empty inside; the spherical path stays
# where the prior is. The ends stand beside the paths as they are.

# %%
start, end = test_x[0:3], test_x[3:6]
figure = kv.plots.interpolation(vae, start, end, num_steps=7, method="spherical")
kv.plots.show(figure, options.output / "interpolation.png")
kv.plots.interpolation_gif(vae, start, end, options.output / "interpolation.gif", method="spherical")

# %% [markdown]
# ## Glasses on, glasses off
#
# If the latent space is as orderly as the prior, an attribute is a direction in it: the mean code of faces that have
# it, less the mean code of faces that do not. The table beside the images shows which faces have it. The most common
# value means no glasses, in the Cartoon Set as in ours. Added to the codes of other faces, the direction puts glasses
# on; subtracted, it takes them off.

# %%
values = kv.data.read_factors(folder, train_data.files)["glasses"]
off, on = np.argsort(-np.bincount(values))[:2]
groups = [np.flatnonzero(values == value)[:256] for value in (on, off)]
codes = [
    vae.encode(kv.data.read_images(folder, [train_data.files[i] for i in group], size) / np.float32(255))
    for group in groups
]
glasses = kv.latents.attribute_direction(*codes)

values = kv.data.read_factors(folder, test_data.files)["glasses"]
for name, value, sign in (("on", off, 1.0), ("off", on, -1.0)):
    files = [file for file, has in zip(test_data.files, values, strict=True) if has == value][:8]
    x = kv.data.read_images(folder, files, size) / np.float32(255)
    z = vae.encode(x)
    rows = {"as they are": vae.decode(z), f"glasses {name}": vae.decode(z + sign * glasses)}
    kv.plots.show(kv.plots.reconstructions(x, rows), options.output / f"glasses_{name}.png")
