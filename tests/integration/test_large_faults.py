"""Loads that are too large for one transaction, on a machine whose calls fail: they have changed nothing, or all."""
import errno
import subprocess

import pytest

from faulty import FILES, WRITING, each_call_in_turn
from programs import check_words, program
from proof import LONG


@pytest.mark.timeout(600)
@pytest.mark.parametrize("calls, code", [(FILES, errno.EIO), (WRITING, errno.ENOSPC)], ids=["EIO", "ENOSPC"])
def test_faults_at_any_call(tables, calls, code):
    """The first, a later one, and so on: a load that failed says so and has changed nothing, and the last, of which nothing does, goes through."""
    gateway = tables.gateway
    tables.begin()
    failed, current = 0, 0

    def run(faults):
        return subprocess.run([program("ssoferry"), "-c", str(gateway.config_path), "load", str(tables.files[1 - current])], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=300, env=faults.environment)

    for call, done in each_call_in_turn(gateway.directory, calls, code, gateway.store.parent, run, step=1 if LONG else 29):
        told = f"{call}: exit {done.returncode}, {done.stderr!r}"
        check_words(done.stderr)
        current = 1 - current if done.returncode == 0 else current
        assert done.returncode == 0 or (call and done.returncode == 1 and done.stderr.count("\n") == 1), told
        assert tables.exported() == tables.texts[current], told
        failed += done.returncode != 0
    assert failed > 1
