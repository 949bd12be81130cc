"""Networks: trunks of encoders and decoders, features in and features out; any Keras model or layer serves as well."""

from keras_vae.networks.conv_decoder import ConvDecoder
from keras_vae.networks.conv_encoder import ConvEncoder
from keras_vae.networks.joined_mlp import JoinedMLP
from keras_vae.networks.mlp_decoder import MLPDecoder
from keras_vae.networks.mlp_encoder import MLPEncoder

__all__ = ["ConvDecoder", "ConvEncoder", "JoinedMLP", "MLPDecoder", "MLPEncoder"]
