"""Free TCP ports below the range that the kernel hands out by itself, so that nobody takes one between choosing and use."""
import random
import socket

_random = random.SystemRandom()
_claims = []  # kept while this process lives


def _claim(port):
    """Tests run side by side, and daemons share a port that another has (SO_REUSEPORT): a name says whose it is. None where it is another's."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0ssoferry-test-port-{port}")
    except OSError:
        claim.close()
        return None
    return claim


def _is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True


def free_port(among=range(20000, 32000)):
    for _ in range(200):
        port = _random.choice(among)
        claim = _claim(port)
        if claim and _is_free(port):  # tried by its owner alone: for a moment, nobody else can have it
            _claims.append(claim)
            return port
        if claim:
            claim.close()
    raise AssertionError("no free port found")
