"""Random damage to IDX files: never a crash, never another shape in silence."""

import gzip
import struct

import numpy as np
import pytest

from keras_vae.data.set_files import read_idx


@pytest.mark.soak
@pytest.mark.parametrize("compress", [True, False])
def test_random_damage_gives_the_array_or_an_error_that_names_the_file(tmp_path, compress):
    generator = np.random.default_rng(20)
    array = generator.integers(0, 256, (7, 5, 3), dtype=np.uint8)
    content = bytes([0, 0, 8, 3]) + struct.pack(">3I", *array.shape) + array.tobytes()
    content = gzip.compress(content) if compress else content
    path = tmp_path / "train-images-idx3-ubyte"
    refused = []
    for _ in range(5000):
        damaged = bytearray(content)
        for place in generator.integers(0, len(content), generator.integers(1, 4)):
            damaged[place] = generator.integers(0, 256)
        path.write_bytes(damaged[: generator.integers(1, len(content) + 1)] if generator.random() < 0.3 else damaged)
        try:
            read = read_idx(path)
        except ValueError as error:
            refused.append(str(error))
        else:
            # The sizes may be permuted by damage to the header, but no value is lost or invented.
            assert read.size == array.size
            if compress:  # a checksum guards the values
                np.testing.assert_array_equal(read, array)
    assert len(refused) > 1000
    assert all(str(path) in message for message in refused)
