"""The store that root loads and the daemon's own user serves."""
import os
import stat

import pytest

from cutover import CONNECTION_ID
from programs import run


def modes(store):
    return [stat.S_IMODE(os.stat(path).st_mode) for path in (store, f"{store}-lock")]


@pytest.fixture(autouse=True)
def narrow_umask():
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.parametrize("directory_mode, file_mode", [(0o2770, 0o660), (0o770, 0o600), (0o2700, 0o600)])
def test_a_shared_directory_shares_the_store(tmp_path, directory_mode, file_mode):
    """Whatever the umask of whoever loads first."""
    directory = tmp_path / "store"
    directory.mkdir()
    directory.chmod(directory_mode)
    run("ssoferry", "--store", directory / "connections.mdb", "set", "acme", f"connection_id={CONNECTION_ID}")
    assert modes(directory / "connections.mdb") == [file_mode] * 2
