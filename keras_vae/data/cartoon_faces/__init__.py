"""Cartoon faces that are drawn here, one by one, with known factors."""

from keras_vae.data.cartoon_faces.draw_face import draw_face
from keras_vae.data.cartoon_faces.factors import FACTORS, face_factors
from keras_vae.data.cartoon_faces.write_faces import write_faces

__all__ = ["FACTORS", "draw_face", "face_factors", "write_faces"]
