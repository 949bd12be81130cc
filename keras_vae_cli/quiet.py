"""Starting TensorFlow without its chatter."""

import contextlib
import os
import sys
import tempfile

LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"


@contextlib.contextmanager
def quiet_start():
    """Keep TensorFlow's C++ messages from the terminal, those of its import too.

    Its first messages heed no log level, so file descriptor 2 is turned away while the block runs; if the block fails,
    what was kept is written after all. A user who has set `TF_CPP_MIN_LOG_LEVEL` gets every message that asks for.
    """
    if LOG_LEVEL in os.environ:
        yield
        return
    os.environ[LOG_LEVEL] = "3"
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(terminal, kept.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
