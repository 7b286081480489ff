"""Free TCP ports below the range that the kernel hands out by itself, so that nobody takes one between choosing and use."""
import random
import socket

_random = random.SystemRandom()
_claims = []  # kept while this process lives


def _claim(port):
    """Tests run side by side, and daemons share a port that another has (SO_REUSEPORT): a name says whose it is."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0ssoferry-test-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


def free_port(among=range(20000, 32000)):
    for _ in range(200):
        port = _random.choice(among)
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
        if _claim(port):
            return port
    raise AssertionError("no free port found")
