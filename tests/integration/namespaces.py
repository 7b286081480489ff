"""Namespaces of the tests' own: by root's right, or by that of any user where root has been left without (a container with no CAP_SYS_ADMIN)."""
import functools
import subprocess

import pytest


@functools.cache
def _works(command):
    return subprocess.run([*command, "true"], capture_output=True, stdin=subprocess.DEVNULL, timeout=60).returncode == 0


def unsharing(*namespaces, mapped):
    """The words that run a command in new namespaces. `mapped`: who one is in there where that takes a namespace of users, too."""
    for command in (("unshare", *namespaces), ("unshare", "--user", mapped, *namespaces)):
        if _works(command):
            return list(command)
    return pytest.skip("namespaces are not allowed here")
