"""Networks: trunks of encoders and decoders, features in and features out; any Keras model or layer serves as well."""

from keras_vae.networks.conv import ConvDecoder, ConvEncoder
from keras_vae.networks.joined_mlp import JoinedMLP
from keras_vae.networks.mlp import MLPDecoder, MLPEncoder

__all__ = ["ConvDecoder", "ConvEncoder", "JoinedMLP", "MLPDecoder", "MLPEncoder"]
