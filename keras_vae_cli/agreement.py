"""Workers that train together do the same."""

import dataclasses
import json

from keras_vae_cli.mistake import Mistake
from keras_vae_cli.strategies import from_chief
from keras_vae_cli.versions import versions
from keras_vae_cli.wording import flag_of, is_folder


def check_agreement(strategy, settings, data):
    """Refuse to train beside a chief that does something else; each worker calls this.

    Parameters
    ----------
    strategy : tf.distribute.MultiWorkerMirroredStrategy
        The run's.
    settings : Settings
        This worker's.
    data : TrainingData
        This worker's.

    Raises
    ------
    Mistake
        If settings, numbers of images or versions of packages differ.
    """
    values = dataclasses.asdict(settings)
    if is_folder(settings.dataset):
        del values["dataset"]  # it may have another name on each machine
    mine = {flag_of(name): value for name, value in values.items()}
    mine |= {"training images": data.num_train, "test images": data.num_test, **versions()}
    mine = json.loads(json.dumps(mine))
    chief = json.loads(from_chief(strategy, json.dumps(mine).encode()))
    differences = [f"{name} {mine[name]} and not {value}" for name, value in chief.items() if mine[name] != value]
    if differences:
        raise Mistake(
            "All workers must have the settings, the data and the packages of the chief. "
            f"Received: {'; '.join(differences)}"
        )
