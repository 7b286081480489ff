"""What a program writes, kept piece by piece."""
import os
import select
import threading


class Output:
    """Read by a thread, so that the program never waits; and by whoever asks for it, so that what was written before the question is in the answer."""

    def __init__(self, descriptor=None):
        self.pieces = []
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._read_to_the_end, daemon=True)
        if descriptor is not None:
            self._thread.start()

    def look(self):
        """All that was written so far."""
        with self._lock:
            while self._is_there(0) and self._take():
                pass
            return list(self.pieces)

    def join(self, timeout):
        if self._thread.ident:
            self._thread.join(timeout)

    def _read_to_the_end(self):
        goes_on = True
        while goes_on:
            self._is_there(None)
            with self._lock:
                goes_on = not self._is_there(0) or self._take()
        with self._lock:
            os.close(self._descriptor)
            self._descriptor = None

    def _is_there(self, timeout):
        if self._descriptor is None:
            return False
        watch = select.poll()
        watch.register(self._descriptor, select.POLLIN)
        return bool(watch.poll(timeout))

    def _take(self):
        data = os.read(self._descriptor, 1 << 20)
        if data:
            self.pieces.append(data)
        return bool(data)
