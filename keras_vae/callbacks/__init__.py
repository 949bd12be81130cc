"""Floor 6: what watches a model while it trains, and what keeps its run. None of these changes the training."""

from keras_vae.callbacks.checkpoint import Checkpoint
from keras_vae.callbacks.collapse_monitor import CollapseMonitor
from keras_vae.callbacks.image_logger import ImageLogger
from keras_vae.callbacks.kl_cross_check import KLCrossCheck

__all__ = ["Checkpoint", "CollapseMonitor", "ImageLogger", "KLCrossCheck"]
