"""The requests that the server runs when it loads a model are such as it answers, one for each signature and size."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

import keras_vae as kv
from tests.export import models, stand_in_server
from tests.soaked import soaked


@pytest.fixture(scope="module", params=soaked(["categories", "hierarchy"], quick=[]))
def export(request, tmp_path_factory):
    """A model, the path of its export, and the graphs of its signatures."""
    vae = models.make(request.param)
    warm_up = (1, 2) if request.param == "categories" else None
    path = kv.export.saved_model(vae, tmp_path_factory.mktemp("served") / request.param, warm_up=warm_up)
    signatures = tf.saved_model.load(path).signatures
    return vae, path, {name: signatures[name] for name in models.SIGNATURES[request.param] if name != "serving_default"}


def test_the_server_can_run_every_request(export, tmp_path):
    vae, path, functions = export
    file = kv.export.write_warm_up(tmp_path, functions, vae, batch_sizes=(1, 4))
    assert file == tmp_path / "assets.extra" / "tf_serving_warmup_requests"
    servable, found = stand_in_server.Servable(path), []
    for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        signature = request.model_spec.signature_name
        answer = servable.run(signature, {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()})
        assert all(np.isfinite(value).all() for value in answer.values())
        found.append((signature, {len(value) for value in answer.values()}))
    expected = [(name, {size}) for size in (1, 4) for name in ("serving_default", *functions)]
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_what_the_server_would_refuse_is_not_written(export, tmp_path):
    vae, _, functions = export
    for sizes in ((), range(1, 1001)):
        with pytest.raises(
            ValueError, match="`batch_sizes` must make from 1 to 1000 requests.* Received: .* batch sizes"
        ):
            kv.export.write_warm_up(tmp_path, functions, vae, batch_sizes=sizes)
    with pytest.raises(ValueError, match="`batch_sizes` must be >= 1. Received: batch_sizes=0"):
        kv.export.write_warm_up(tmp_path, functions, vae, batch_sizes=(0,))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("export", ["categories"], indirect=True)
def test_an_export_brings_its_warm_up_requests_when_asked(export):
    _, path, _ = export
    records = list(tf.data.TFRecordDataset(str(path / "assets.extra" / "tf_serving_warmup_requests")))
    assert len(records) == 2 * len(models.SIGNATURES["categories"])
    kv.export.read_metadata(path)  # the file is among those whose digests are checked
