"""Key pairs with self-signed certificates, made by the openssl program."""
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class KeyPair:
    key: Path
    certificate: Path


def make_key_pair(directory, name):
    pair = KeyPair(directory / f"{name}.key", directory / f"{name}.crt")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
         "-keyout", pair.key, "-out", pair.certificate],
        check=True, capture_output=True, timeout=60)
    return pair
