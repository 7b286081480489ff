"""What a daemon that serves can no longer do: shown by a library within it that tries."""
import ctypes
import errno
import os
import pwd
import re
import shutil
import signal
import subprocess

import pytest

from cutover import CONNECTION_ID
from gateway import Gateway
from ports import free_port
from preload import signal_thread, start_with, threads, workers
from programs import is_sanitized, needs_root, program, run

LOW_PORTS = range(601, 1024)  # root's
REFUSED = {errno.ENOSYS, errno.EACCES, errno.EPERM}
LANDLOCK = ctypes.CDLL(None).syscall(444, None, 0, 1)  # landlock_create_ruleset(LANDLOCK_CREATE_RULESET_VERSION): of the kernel, or -1
FILES = {"read_elsewhere", "write_elsewhere", "remove_elsewhere", "remove_the_table", "write_configuration", "write_own_memory"}  # Landlock's share
OF_ROOT = {"become_root", "mount_something"}
OF_SANITIZERS = {"trace", "run_data", "make_executable", "make_process", "fork_itself", "signal_a_thread", "read_another", "change_itself"}
OF_LOOKING = {"fork_itself", "give_a_file_an_owner"}  # what the process takes that looks into the usage file
OF_THE_PROCESSOR = {"run_data"} if os.uname().machine == "s390x" else set()  # a filter cannot see what is asked of mmap() there


class Attempts:
    """A gateway with the library in it."""

    def __init__(self, gateway, monkeypatch):
        self.gateway = gateway
        self.report = gateway.directory / "report"
        self.outside = gateway.directory.parent / "outside.txt"
        self.outside.write_text("keep me")
        start_with(gateway, "attempts", monkeypatch, ATTEMPTS_REPORT=self.report, ATTEMPTS_OUTSIDE=self.outside, ATTEMPTS_CONFIG=gateway.config_path,
                   ATTEMPTS_STORE=gateway.store)

    def made_by(self, thread):
        """Has the thread try everything; {name: errno}."""
        signal_thread(self.gateway.pid, thread, signal.SIGWINCH)
        self.gateway.wait_for(lambda: "new_namespace" in self._lines(thread))  # the last
        return self._lines(thread)

    def _lines(self, thread):
        lines = [line.split() for line in self.report.read_text().splitlines()] if self.report.exists() else []
        return {name: int(problem) for by, name, problem in lines if int(by) == thread}

    def made_by_each(self):
        return {thread: self.made_by(thread) for thread in (self.gateway.pid, *workers(self.gateway))}


@pytest.fixture
def make_attempts(make_gateway, monkeypatch):
    def make(usage_file=None, **config):
        gateway = make_gateway(**config)
        gateway.load({"acme": CONNECTION_ID})
        if usage_file:
            gateway.store.with_name(gateway.store.name + ".usage").write_bytes(usage_file)
        return Attempts(gateway, monkeypatch)
    return make


@pytest.mark.parametrize("usage", [None, b"nonsense" * 1000], ids=["counting", "waiting to count"])
def test_what_it_does_not_need_it_cannot_do(make_attempts, usage):
    """Where the usage file cannot be opened, a process that looks into it may be forked, and no other made."""
    admin = free_port()
    attempts = make_attempts(usage_file=usage, admin={"address": f"127.0.0.1:{admin}"})
    expected = (OF_SANITIZERS if is_sanitized() else set()) | (OF_LOOKING if usage else set())
    expected |= FILES if LANDLOCK < 1 else set()
    expected |= OF_THE_PROCESSOR
    for thread, made in attempts.made_by_each().items():
        assert {name for name, problem in made.items() if problem not in REFUSED} <= expected, thread
        assert len(made) == 29 and (not usage or {made[name] for name in OF_LOOKING} == {0})
    assert attempts.outside.read_text() == "keep me" or "write_elsewhere" in expected
    assert attempts.gateway.get("/old-sso/acme").status == 307


def test_without_the_sandbox_it_could(make_attempts):
    """Else the test above would prove nothing."""
    attempts = make_attempts(sandbox="off")
    made = attempts.made_by(attempts.gateway.pid)
    needs_root = set() if os.geteuid() == 0 else OF_ROOT
    assert {name for name, problem in made.items() if problem in REFUSED} <= needs_root
    assert attempts.gateway.get("/old-sso/acme").status == 307


def test_every_thread_is_shut_in(make_gateway):
    gateway = make_gateway(admin={"address": f"127.0.0.1:{free_port()}"}, threads=3)
    gateway.start()
    gateway.wait_for(lambda: len(threads(gateway.pid)) == 10)  # main, log, usage and its writer, audit, admin, reporter, workers
    own = int(threads(os.getpid())[os.getpid()]["CapPrm"], 16)
    keeps = own & 1 << 1 if os.geteuid() == 0 else 0  # CAP_DAC_OVERRIDE stays with a daemon that is root and was told no user
    for status in threads(gateway.pid).values():
        assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1")
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == keeps


def test_nothing_is_missed(make_gateway):
    """What an operator does while it serves: a new file in the configuration's place, loads that make the table grow, a report, a backup."""
    gateway = make_gateway(admin={"address": f"127.0.0.1:{free_port()}"})
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()
    gateway.get("/old-sso/acme")
    held = gateway.config_path.open()  # so that the new file cannot be the old one's inode
    gateway.config_path.unlink()
    gateway.configure(routes=[{"match": "/new-sso/{identifier}"}])
    held.close()
    gateway.signal(signal.SIGHUP)
    gateway.wait_for(lambda: "reload: done" in gateway.stderr)
    assert gateway.get("/new-sso/acme").status == 307
    gateway.load({"acme": CONNECTION_ID, **{f"customer-{n}": CONNECTION_ID for n in range(20_000)}})
    assert gateway.get("/new-sso/customer-19999").status == 307
    gateway.loader("backup", gateway.directory / "backup.mdb")
    gateway.wait_for(lambda: "acme" in gateway.loader("report", "--json").stdout)
    said = re.findall(r"^ssoferryd: .*sandbox: (.*)$", gateway.stderr, re.M)
    of_root = ["the daemon stays root; set the key `user` to an account for it to become instead"] if os.geteuid() == 0 else []
    of_the_kernel = ["this kernel has no Landlock; files are guarded by their permissions alone"] if LANDLOCK < 1 else []
    assert said == of_root + of_the_kernel


@pytest.mark.skipif(LANDLOCK < 1, reason="this kernel has no Landlock")
def test_a_directory_that_is_swapped_takes_a_restart(make_gateway, authority):
    """And the daemon says so, where the system says only that permission is denied."""
    gateway = make_gateway()
    releases = [gateway.directory / name for name in ("old", "new")]
    current, tls = gateway.directory / "current", gateway.directory / "tls"
    tls.mkdir()
    pair = authority.issue(tls, "sso.example.com")
    gateway.config_path = current / "ssoferryd.yaml"
    for release in releases:
        release.mkdir()
    current.symlink_to(releases[0])
    secure = {"address": f"127.0.0.1:{free_port()}", "certificate": str(pair.certificate), "key": str(pair.key)}
    gateway.configure(listen=[*gateway.config["listen"], secure])
    gateway.start()

    tls.rename(gateway.directory / "tls-before")
    shutil.copytree(gateway.directory / "tls-before", tls)
    gateway.signal(signal.SIGHUP)
    gateway.wait_for(lambda: "in a folder that is new since the start, or another one than then, it takes a restart" in gateway.stderr)

    (gateway.directory / "switched").symlink_to(releases[1])
    (gateway.directory / "switched").replace(current)
    gateway.configure()
    gateway.signal(signal.SIGHUP)
    refused = f"reload: {gateway.config_path}: cannot be read: Permission denied: let the daemon's user read it; or its directory is another one"
    gateway.wait_for(lambda: f"{refused} than at the start: restart ssoferryd; keeping" in gateway.stderr)
    gateway.stop()
    gateway.start()
    gateway.signal(signal.SIGHUP)
    gateway.wait_for(lambda: "reload: done" in gateway.stderr)


# -- becoming somebody else -------------------------------------------------------------------------------------------------

@needs_root
def test_root_opens_the_port_and_becomes_the_user(open_directory):
    nobody = pwd.getpwnam("nobody")
    gateway = Gateway(open_directory / "gateway", user="nobody")
    gateway.port = free_port(LOW_PORTS)
    gateway.configure(listen=[{"address": f"127.0.0.1:{gateway.port}"}])
    os.chown(gateway.store.parent, nobody.pw_uid, nobody.pw_gid)
    gateway.start()
    try:
        for status in threads(gateway.pid).values():
            assert status["Uid"].split() == [str(nobody.pw_uid)] * 4 and status["Gid"].split() == [str(nobody.pw_gid)] * 4
            assert set(status["Groups"].split()) <= {str(nobody.pw_gid)}
            assert [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")] == [0] * 4
            assert status["NoNewPrivs"] == "1"
        made = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in gateway.store.parent.iterdir()}
        names = [gateway.store.name + end for end in ("", "-lock", ".usage", ".usage-lock")]
        assert made == {name: (nobody.pw_uid, nobody.pw_gid) for name in names}
        gateway.signal(signal.SIGHUP)
        gateway.wait_for(lambda: "reload: done" in gateway.stderr)
        gateway.load({"acme": CONNECTION_ID})
        assert gateway.get("/old-sso/acme").status == 307
    finally:
        gateway.stop()


CAP_DAC_READ_SEARCH, CAP_NET_BIND_SERVICE = 2, 10


def become(entry, *capabilities):
    """This process becomes a user whose programs are started with these capabilities, as systemd does it (AmbientCapabilities)."""
    libc = ctypes.CDLL(None, use_errno=True)
    pr_set_keepcaps, pr_cap_ambient, pr_cap_ambient_raise = 8, 47, 2
    head = (ctypes.c_uint32 * 2)(0x20080522, 0)
    bits = sum(1 << capability for capability in capabilities)
    assert libc.prctl(pr_set_keepcaps, 1, 0, 0, 0) == 0
    os.setgroups([])
    os.setresgid(*[entry.pw_gid] * 3)
    os.setresuid(*[entry.pw_uid] * 3)
    assert libc.capset(head, (ctypes.c_uint32 * 6)(bits, bits, bits, 0, 0, 0)) == 0
    for capability in capabilities:
        assert libc.prctl(pr_cap_ambient, pr_cap_ambient_raise, capability, 0, 0) == 0


@needs_root
def test_capabilities_to_start_with_are_given_up(open_directory):
    nobody = pwd.getpwnam("nobody")
    gateway = Gateway(open_directory / "gateway")
    gateway.port = free_port(LOW_PORTS)
    gateway.configure(listen=[{"address": f"127.0.0.1:{gateway.port}"}])
    os.chown(gateway.store.parent, nobody.pw_uid, nobody.pw_gid)
    # one for the port, and one to reach the program, wherever it was built
    gateway.before_start = lambda: become(nobody, CAP_NET_BIND_SERVICE, CAP_DAC_READ_SEARCH)
    gateway.start()
    try:
        for status in threads(gateway.pid).values():
            assert status["Uid"].split() == [str(nobody.pw_uid)] * 4
            assert [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")] == [0] * 4
    finally:
        gateway.stop()


@needs_root
def test_a_configuration_of_roots_own_is_told_at_the_start(open_directory):
    """Not only when the first reload is refused."""
    gateway = Gateway(open_directory / "gateway", user="nobody")
    os.chown(gateway.store.parent, pwd.getpwnam("nobody").pw_uid, -1)
    for mode, is_told in (0o644, False), (0o600, True):
        gateway.config_path.chmod(mode)
        gateway.start()
        try:
            gateway.wait_for(lambda: "listening on" in gateway.stderr)
            assert (f"warning: user nobody cannot read {gateway.config_path} (Permission denied), so every reload" in gateway.stderr) == is_told
            gateway.signal(signal.SIGHUP)
            gateway.wait_for(lambda: ("reload: done", f"reload: {gateway.config_path}: cannot be read: Permission denied")[is_told] in gateway.stderr)
        finally:
            gateway.stop()


@needs_root
def test_a_store_of_roots_own_is_refused_at_once(open_directory):
    gateway = Gateway(open_directory / "gateway", user="nobody")
    done = run("ssoferryd", "-c", gateway.config_path, expect=1)
    assert "as user nobody: " in done.stderr and "writable for this user" in done.stderr


@needs_root
def test_others_cannot_become_the_user(open_directory):
    gateway = Gateway(open_directory / "gateway", user="daemon")
    daemon = shutil.copy(program("ssoferryd"), open_directory)
    done = subprocess.run(["setpriv", "--reuid=nobody", "--clear-groups", daemon, "-c", gateway.config_path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "only root can become \"daemon\"" in done.stderr


def test_naming_oneself_is_fine(make_gateway):
    gateway = make_gateway(user=pwd.getpwuid(os.geteuid()).pw_name)
    gateway.start()
    assert gateway.get("/healthz").status == 503


def test_a_user_who_is_not_there(make_gateway):
    """The configuration may be for another machine, but cannot be served here."""
    path = make_gateway(user="no-such-user").config_path
    done = run("ssoferryd", "-c", path, expect=2)
    assert "error: user: there is no user \"no-such-user\"" in done.stderr and done.stdout == ""
    done = run("ssoferryd", "--check", "-c", path)
    assert "warning: user: there is no user \"no-such-user\"" in done.stderr and done.stdout == f"{path}: good\n"
