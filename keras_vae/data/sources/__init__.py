"""Where each data set comes from: one file and one entry for each."""

from keras_vae.data.sources.cartoon_faces import cartoon_faces
from keras_vae.data.sources.cifar10 import cifar10
from keras_vae.data.sources.digits import digits
from keras_vae.data.sources.fashion_mnist import fashion_mnist
from keras_vae.data.sources.mnist import mnist

SOURCES = {
    "cartoon_faces": cartoon_faces,
    "cifar10": cifar10,
    "digits": digits,
    "fashion_mnist": fashion_mnist,
    "mnist": mnist,
}
