"""Debian systems of the tests' own: a bootstrapped tree that is kept, and throw-away layers over it with a network of their own. For root."""
import contextlib
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from programs import ROOT

CACHE = Path(os.environ.get("SSOFERRY_PACKAGE_CACHE") or ROOT / "build/package/cache")
RELEASES = {12: "bookworm", 13: "trixie"}
PYTHON = "/usr/bin/python3"
LOOPBACK_UP = "import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh22x', b'lo', 1 | 8))"  # SIOCSIFFLAGS
# What root in there must not do to the machine out here: its clock, its kernel and its life are one and the same.
CAREFUL = ["setpriv", "--bounding-set=-sys_time,-sys_boot,-sys_module,-sys_rawio,-sys_ptrace,-syslog,-wake_alarm,-sys_nice"]
QUIET_APT = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-qq", "--no-install-recommends"]


def call(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def mirrors(release):
    """{suite: address} of the archives of a release of Debian, by the addresses that this machine's apt has for those of its own."""
    lines = call("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages", "Origin: Debian").split("\n")
    own = platform.freedesktop_os_release()["VERSION_CODENAME"]
    found = {suite.replace(own, release): address for address, suite in map(str.split, sorted(set(filter(None, lines)))) if suite.startswith(own)}
    assert release in found, f"apt has no {own} of Debian, whose archive would have {release} too"
    return found


def base(release):
    """A minimal Debian, bootstrapped once; apt's lists are brought up to date each time."""
    tree = CACHE / release
    if not (tree / "complete").exists():
        shutil.rmtree(tree, ignore_errors=True)
        tree.mkdir(parents=True)
        print("bootstrapping Debian, once", file=sys.stderr)
        call("debootstrap", "--variant=minbase", release, tree, mirrors(release)[release], timeout=1800)
        sources = [f"deb {address} {suite} main" for suite, address in mirrors(release).items()]
        (tree / "etc/apt/sources.list").write_text("\n".join(sources) + "\n")
        (tree / "complete").touch()
    machine = Machine(tree)
    machine.run("apt-get", "update", "-qq", timeout=600)
    return machine


class Machine:
    """A tree that programs run in, with process numbers and mounts of its own. Each layer over it sees what it holds and changes only itself."""

    def __init__(self, root, lowers=(), isolated=False):
        """`isolated`: its network is a loopback of its own, and not this machine's."""
        self.root = Path(root)
        self.isolated = isolated
        self._lowers = list(lowers) or [self.root]
        self._processes = []
        mounts = ["mount -t proc proc {root}/proc", "mount -t tmpfs -o mode=755 tmpfs {root}/run", "touch {root}/etc/resolv.conf",
                  "cp -L /etc/resolv.conf {root}/run/resolv.conf", "mount --bind {root}/run/resolv.conf {root}/etc/resolv.conf",
                  "mkdir -p {cache}", "mount --bind {cache} {root}/var/cache/apt/archives"]
        mounts += [f"{PYTHON} -c \"{LOOPBACK_UP}\""] if isolated else []
        script = " && ".join([*mounts, "echo up", "exec sleep infinity"]).format(root=self.root, cache=CACHE / "archives")
        self._hold(["--net"] if isolated else [], script)

    def _hold(self, namespaces, script):
        """Starts the process that the namespaces live by."""
        holder = subprocess.Popen(["unshare", "--mount", "--pid", "--fork", "--kill-child", *namespaces, "sh", "-c", script], stdout=subprocess.PIPE, text=True)
        self._processes.append(holder)
        assert holder.stdout.readline() == "up\n"
        self.first = int(Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text())

    # -- layers -----------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def layer(self, directory, isolated=False, kind=None):
        """A machine over this one, in `directory`, which is gone in the end."""
        upper, root = directory / "upper", directory / "root"
        for each in (upper, directory / "work", root):
            each.mkdir(parents=True, exist_ok=True)
        lowers = ":".join(str(lower) for lower in self._lowers)
        call("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lowers},upperdir={upper},workdir={directory / 'work'}", root)
        machine = (kind or Machine)(root, [upper, *self._lowers], isolated)
        try:
            yield machine
        finally:
            machine.stop()
            call("umount", root)
            shutil.rmtree(directory, ignore_errors=True)

    def stop(self):
        for process in reversed(self._processes):
            process.kill()
            process.wait()
        self._processes = []

    # -- programs ---------------------------------------------------------------------------------------------------------

    def command(self, *words, user=None, umask=0o022):
        """The command line that runs `words` in here; `user` is "NAME" or "NAME:GROUP"."""
        script = f"cd / && umask {umask:03o} && exec chroot \"$@\""
        return ["nsenter", f"--target={self.first}", "--mount", "--pid", "--net", *CAREFUL, "sh", "-c", script, "sh", *(["--userspec", user] if user else []),
                str(self.root), *map(str, words)]

    def run(self, *words, expect=0, timeout=120, **options):
        done = subprocess.run(self.command(*words, **options), capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL,
                              env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})
        if expect is not None:
            assert done.returncode == expect, f"{words} ended with {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done

    def start(self, *words, **options):
        process = subprocess.Popen(self.command(*words, **options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._processes.append(process)
        return process

    def contained(self, *words, uid, volumes=(), first=False):
        """The command line of a container: nothing but its volumes {path: directory} can be written, and it has no right at all. `first`: it is
        process 1 of its own; others are beside what runs here already."""
        binds = "".join(f" && mount --bind {source} {self.root}{path}" for path, source in dict(volumes).items())
        script = f"mount --bind {self.root} {self.root} && mount -o remount,bind,ro {self.root}{binds} && cd / && exec chroot \"$@\""
        alone = ["unshare", "--mount", *(["--pid", "--fork", "--kill-child"] if first else [])]
        return ["nsenter", f"--target={self.first}", "--mount", "--pid", "--net", *alone, "sh", "-c", script, "sh", str(self.root), "setpriv",
                f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", *map(str, words)]

    def apt(self, *words, timeout=900):
        return self.run(*QUIET_APT, *words, timeout=timeout)

    # -- seen from outside ------------------------------------------------------------------------------------------------

    def curl(self, *words):
        """curl of this machine here, on the network there."""
        return subprocess.run(["nsenter", f"--net=/proc/{self.first}/ns/net", "curl", "-s", "--max-time", "20", *words], capture_output=True, text=True)

    def status(self, url):
        return int(self.curl("-o", "/dev/null", "-w", "%{http_code}", url).stdout or 0)

    def path(self, path):
        return self.root / path.lstrip("/")

    def facts(self, path):
        """(owner, group, mode) by the names that the machine has for them."""
        return tuple(self.run("stat", "-c", "%U %G %a", path).stdout.split())

    def tree(self):
        """What is where, with owner, mode and, of files, content."""
        return {str(path.relative_to(self.root)): _facts_of(path) for path in _walk(self.root)}


class Booted(Machine):
    """A machine whose first process is systemd."""

    def __init__(self, root, lowers, isolated):
        assert isolated
        super().__init__(root, lowers, isolated)

    def _hold(self, namespaces, script):
        self._console = open(self.root.parent / "console", "wb")
        holder = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--boot", f"--directory={self.root}", "--register=no", "--keep-unit", "--private-network",
             "--link-journal=no", "--console=pipe",
             # As a machine has them and nspawn's own list has not: the daemon shuts itself in by them.
             "--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self"], stdin=subprocess.DEVNULL, stdout=self._console, stderr=subprocess.STDOUT)
        self._processes.append(holder)
        self.first = wait_for(lambda: self._find_first(holder), "systemd to start")
        wait_for(lambda: self.systemctl("is-system-running", expect=None).stdout.strip() in ("running", "degraded"), "the machine to be up")

    def _find_first(self, holder):
        assert holder.poll() is None, f"systemd-nspawn ended: {Path(self._console.name).read_text()}"
        for child in descendants(holder.pid):
            with contextlib.suppress(OSError):
                if re.search(r"^NSpid:.*\t1$", Path(f"/proc/{child}/status").read_text(), re.M):
                    return child
        return None

    def command(self, *words, user=None, umask=0o022):
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
        return ["nsenter", f"--target={self.first}", "--mount", "--uts", "--ipc", "--net", "--pid", f"--root=/proc/{self.first}/root",
                *CAREFUL, "sh", "-c", f"cd / && umask {umask:03o} && exec \"$@\"", "sh", *become, *map(str, words)]

    def systemctl(self, *words, expect=0):
        return self.run("systemctl", *words, expect=expect)

    def property(self, unit, name):
        return self.systemctl("show", "--property", name, "--value", unit).stdout.strip()

    def journal(self, unit):
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit).stdout

    def stop(self):
        holder = self._processes[0]
        os.kill(self.first, signal.SIGRTMIN + 4)  # systemd's word for powering off
        with contextlib.suppress(subprocess.TimeoutExpired):
            holder.wait(60)
        super().stop()
        self._console.close()


def wait_for(condition, what, timeout=60):
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {timeout} s in vain for {what}"
        time.sleep(0.1)
    return value


def descendants(pid):
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            yield child
            yield from descendants(child)


def _walk(root):
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            yield Path(folder) / name


def _facts_of(path):
    facts = path.lstat()
    if path.is_symlink():
        return os.readlink(path)
    content = path.read_bytes() if path.is_file() else None
    return (facts.st_uid, facts.st_gid, oct(facts.st_mode), content)
