"""Free TCP ports below the range that the kernel hands out by itself, so that nobody takes one between choosing and use."""
import random
import socket

_random = random.SystemRandom()


def free_port():
    for _ in range(200):
        port = _random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port found")
