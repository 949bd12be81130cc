"""How a peer is timed: on the word of the parent process it trains two epochs, and the second one, a lap, is timed."""

import json
import os
import resource
import sys
import time


class Laps:
    """The child's end of two pipes: a line comes in for each lap, and a line of JSON goes out.

    A peer calls `begin` before an epoch and `end` after it. Of two epochs the first one is not timed: what a process
    pays for having waited for its turn is nothing that a user pays. TensorFlow with its tuner of pipelines pays much.
    """

    def __init__(self):
        self._out = os.fdopen(os.dup(1), "w")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what peers print has no reader
        self._start = None
        self._timed = True

    def begin(self):
        """Wait for the word, or start the clock. Where no word will come, the process ends."""
        self._timed = not self._timed
        if not self._timed:
            self._tell(waiting=True)
            if not sys.stdin.readline():
                os._exit(0)
        self._start = time.perf_counter(), time.process_time()

    def end(self, loss, **facts):
        """Stop the clock and report the lap's time, the last loss and further facts."""
        if not self._timed:
            return
        seconds, cpu = time.perf_counter() - self._start[0], time.process_time() - self._start[1]
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        self._tell(seconds=seconds, cpu_seconds=cpu, loss=float(loss), peak_memory_mib=memory, **facts)

    def _tell(self, **what):
        self._out.write(json.dumps(what) + "\n")
        self._out.flush()
