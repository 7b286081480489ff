"""The Debian package in Debian systems of its own: installed, started, loaded, signed in through, upgraded, removed and purged, without systemd
and with it; and the steps of the Dockerfile and the pod. Needs root, debootstrap, systemd-nspawn and a mirror: scripts/package --test."""
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

import dockerfile
import machine
from machine import CACHE, Booted, call, wait_for
from programs import ROOT

pytestmark = pytest.mark.timeout(3600)

STANDALONE = ["systemd-standalone-sysusers", "systemd-standalone-tmpfiles"]
STORE = "/var/lib/ssoferry/connections.mdb"
ACME = "saml-connection-live-51861cbc-d3b9-428b-9761-227f5fb12be9"
MAPPING = f"version: 1\nconnections:\n  acme: {ACME}\n"
SIGN_IN = ["-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", "--data", "SAMLResponse=PHNhbWw+&RelayState=home", "http://127.0.0.1:8080/old-sso/acme"]
SIGNED_IN = f"307 https://api.stytch.com/v1/b2b/sso/callback/{ACME}"


@pytest.fixture(scope="module", autouse=True)
def root_and_tools():
    assert os.geteuid() == 0, "these tests bootstrap and mount Debian systems: run them as root (scripts/package --test)"
    for tool in ("debootstrap", "systemd-nspawn", "nsenter", "unshare", "curl", "dpkg-deb"):
        assert shutil.which(tool), f"these tests need {tool}"


@pytest.fixture(scope="module")
def deb():
    """The package under test: SSOFERRY_DEB, or what scripts/package builds now."""
    path = os.environ.get("SSOFERRY_DEB") or str(ROOT / call(ROOT / "scripts/package", timeout=1800).split()[-1])
    assert Path(path).exists(), path
    return Path(path)


@pytest.fixture(scope="module")
def layers():
    """Where layers lie: on the disk of the cache, since a layer of a layer has to."""
    directory = CACHE / f"layers-{os.getpid()}"
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def debian(layers):
    """Debian 12, or the one whose number SSOFERRY_PACKAGE_DEBIAN gives."""
    number = int(os.environ.get("SSOFERRY_PACKAGE_DEBIAN") or 12)
    made = machine.base(machine.RELEASES[number])
    with made.layer(layers / "debian") as here:
        if number != 12:
            take_libh2o_of_debian_12(here)
        yield here
    made.stop()


@pytest.fixture(scope="module")
def ready(debian, deb, layers):
    """All that the package depends on is there, and it itself has never been."""
    with debian.layer(layers / "ready") as made:
        depends = call("dpkg-deb", "-f", deb, "Depends").strip()
        made.apt("install", *STANDALONE)
        made.apt("satisfy", depends)
        yield made


@pytest.fixture(scope="module")
def ready_with_systemd(debian, deb, layers):
    with debian.layer(layers / "ready-with-systemd") as made:
        made.apt("install", "systemd", "systemd-sysv", "dbus")
        made.apt("satisfy", call("dpkg-deb", "-f", deb, "Depends").strip())
        yield made


def put(machine, path, text, mode=0o644):
    machine.path(path).parent.mkdir(parents=True, exist_ok=True)
    machine.path(path).write_text(text)
    machine.path(path).chmod(mode)


def install(machine, deb, *options):
    shutil.copy(deb, machine.path("/srv/ssoferry.deb"))
    done = machine.run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", *options, "-i", "/srv/ssoferry.deb")
    machine.path("/srv/ssoferry.deb").unlink()
    return done


def take_libh2o_of_debian_12(made):
    """By the files for apt that we give away, with the mirrors of this machine."""
    files = ROOT / "config/debian-13"
    sources, addresses = (files / "libh2o.sources").read_text(), machine.mirrors("bookworm")
    for suite, address in [("bookworm", "http://deb.debian.org/debian"), ("bookworm-security", "http://deb.debian.org/debian-security")]:
        assert f"URIs: {address}\nSuites: {suite}\n" in sources
        sources = sources.replace(f"URIs: {address}\n", f"URIs: {addresses[suite]}\n")
    put(made, "/etc/apt/sources.list.d/libh2o.sources", sources)
    put(made, "/etc/apt/preferences.d/libh2o.pref", (files / "libh2o.pref").read_text())
    made.run("apt-get", "update", "-qq", timeout=600)


@pytest.fixture
def empty(ready, layers):
    with ready.layer(layers / "empty", isolated=True) as made:
        yield made


@pytest.fixture
def installed(empty, deb):
    install(empty, deb)
    put(empty, "/srv/private.yaml", MAPPING, 0o600)
    return empty


@pytest.fixture
def booted(ready_with_systemd, layers):
    with ready_with_systemd.layer(layers / "booted", isolated=True, kind=Booted) as made:
        put(made, "/srv/private.yaml", MAPPING, 0o600)
        yield made


def signs_in(machine):
    return machine.curl(*SIGN_IN).stdout == SIGNED_IN


def serve(machine):
    """Starts the daemon as the unit does, as far as that goes without systemd."""
    process = machine.start("/usr/sbin/ssoferryd", user="ssoferry:ssoferry", umask=0o007)
    wait_for(lambda: process.poll() is not None or machine.status("http://127.0.0.1:8080/healthz"), "the daemon to answer")
    assert process.poll() is None, process.communicate()[1]
    return process


def another_of(deb, directory, suffix, change):
    """The same package with this behind its version, and with what change() does to its tree."""
    tree = directory / f"tree{suffix}"
    call("dpkg-deb", "-R", deb, tree)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: (.*)$", rf"Version: \g<1>{suffix}", control.read_text(), flags=re.M))
    change(tree)
    path = directory / f"another{suffix}.deb"
    call("dpkg-deb", "--root-owner-group", "-b", tree, path)
    return path


def upgrade_of(deb, directory):
    """With another word in its configuration."""
    def change(tree):
        config = tree / "etc/ssoferry/ssoferryd.yaml"
        config.write_text("# A newer sample.\n" + config.read_text())
    return another_of(deb, directory, ".1", change)


def older_of(deb, directory):
    """As it was when the daemon did not yet want its socket."""
    def change(tree):
        [unit] = tree.rglob("ssoferryd.socket")
        unit.write_text(unit.read_text().replace("WantedBy=sockets.target ssoferryd.service", "WantedBy=sockets.target"))
    return another_of(deb, directory, "~old", change)


# -- without systemd --------------------------------------------------------------------------------------------------------


def test_apt_installs_it_on_a_minimal_system(debian, deb, layers):
    """With nothing there but a minimal Debian: apt finds all that it needs."""
    with debian.layer(layers / "apt") as bare:
        shutil.copy(deb, bare.path("/srv/ssoferry.deb"))
        bare.apt("install", "/srv/ssoferry.deb", *STANDALONE)
        assert bare.run("ssoferry", "--version").stdout.startswith("ssoferry ")
        assert bare.run("ssoferryd", "--check").stdout == "/etc/ssoferry/ssoferryd.yaml: good\n"
        assert not bare.path("/lib/systemd/systemd").exists()
        assert bare.run("dpkg", "--verify", "ssoferry").stdout == ""


def test_it_goes_with_the_libh2o_that_it_was_compiled_for_alone(deb):
    """A patch in Ubuntu made structures larger without another name."""
    depends = call("dpkg-deb", "-f", deb, "Depends")
    [library] = set(re.findall(r"libh2o-evloop[\w.]+", depends))
    assert f"{library} (= {call('dpkg-query', '-W', '-f', '${Version}', library)})" in depends.strip().split(", ")


def test_a_later_commit_is_a_newer_version(installed):
    """apt does not install a package of the version that is there already."""
    committed = int(os.environ.get("SOURCE_DATE_EPOCH") or call("git", "-C", ROOT, "log", "-1", "--format=%ct"))
    version = re.fullmatch(r"(\d+\.\d+\.\d+\+(\d{14}))-1", installed.run("dpkg-query", "-W", "-f", "${Version}", "ssoferry").stdout)
    assert version and version[2] == time.strftime("%Y%m%d%H%M%S", time.gmtime(committed))
    for name in ("ssoferry", "ssoferryd"):
        assert installed.run(name, "--version").stdout == f"{name} {version[1]}\n"


def test_what_is_where(installed):
    here = installed
    assert here.facts("/var/lib/ssoferry") == ("ssoferry", "ssoferry", "2770")
    assert here.facts("/etc/ssoferry") == ("root", "root", "755") and here.facts("/etc/ssoferry/ssoferryd.yaml") == ("root", "root", "644")
    assert here.facts("/usr/sbin/ssoferryd") == here.facts("/usr/bin/ssoferry") == ("root", "root", "755")
    assert re.fullmatch(r"ssoferry:x:\d+:\d+:[^:]*:/var/lib/ssoferry:/usr/sbin/nologin\n", here.run("getent", "passwd", "ssoferry").stdout)
    assert "/etc/ssoferry/ssoferryd.yaml" in here.run("dpkg-query", "-W", "-f", "${Conffiles}", "ssoferry").stdout
    assert here.run("dpkg", "--verify", "ssoferry").stdout == ""
    assert here.path("/etc/systemd/system/multi-user.target.wants/ssoferryd.service").is_symlink()
    for path in ("/usr/share/man/man1/ssoferry.1.gz", "/usr/share/man/man8/ssoferryd.8.gz", "/usr/share/man/man5/ssoferryd.yaml.5.gz",
                 "/usr/share/doc/ssoferry/examples/connections.example.yaml", "/usr/share/doc/ssoferry/examples/balancers/nginx.conf",
                 "/usr/share/bash-completion/completions/ssoferry",
                 "/usr/share/zsh/vendor-completions/_ssoferry", "/usr/share/doc/ssoferry/monitoring/ssoferry.rules.yaml",
                 "/usr/share/doc/ssoferry/monitoring/grafana-dashboard.json", "/usr/share/doc/ssoferry/monitoring/prometheus.yaml", "/lib/systemd/system/ssoferryd.socket"):
        assert here.path(path).exists(), path
    here.run("ssoferry", "check", "/usr/share/doc/ssoferry/examples/connections.example.yaml")


def test_sections_of_the_binaries_say_hardened(installed):
    for path in ("/usr/sbin/ssoferryd", "/usr/bin/ssoferry"):
        headers = call("readelf", "-W", "-l", "-d", installed.path(path))
        assert "BIND_NOW" in headers and "GNU_RELRO" in headers and "PIE" in headers
        assert not re.search(r"GNU_STACK.*RWE", headers)
        assert ".symtab" not in call("readelf", "-W", "-S", installed.path(path))
        assert str(ROOT) not in installed.path(path).read_bytes().decode("latin-1")


def test_the_daemon_first_then_the_loader(installed):
    daemon = serve(installed)
    assert installed.status("http://127.0.0.1:8080/healthz") == 503
    installed.run("ssoferry", "load", "/srv/private.yaml")
    assert installed.status("http://127.0.0.1:8080/healthz") == 200
    assert signs_in(installed)
    installed.run("ssoferry", "set", "acme", "state=disabled")
    assert installed.status("http://127.0.0.1:8080/old-sso/acme") == 410
    daemon.terminate()


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_the_loader_first_then_the_daemon(installed, umask):
    """Root's umask must not shut the daemon out of a store that root has made."""
    installed.run("ssoferry", "load", "/srv/private.yaml", umask=umask)
    serve(installed)
    assert signs_in(installed)
    installed.run("ssoferry", "set", "acme", "state=disabled", umask=umask)
    assert installed.status("http://127.0.0.1:8080/old-sso/acme") == 410


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_store_that_was_moved_away_and_loaded_anew(installed, umask):
    """Its lock files go with it, and root's loader makes new ones."""
    installed.run("sh", "-c", "rm /var/lib/ssoferry/*")
    installed.run("ssoferry", "load", "/srv/private.yaml", umask=umask)
    installed.run("ssoferry", "report", expect=None, umask=umask)
    serve(installed)
    assert signs_in(installed)


def test_members_of_the_group_change_the_table_and_others_cannot_even_read_it(installed):
    installed.run("useradd", "-m", "-G", "ssoferry", "alice")
    installed.run("useradd", "-m", "mallory")
    put(installed, "/srv/map.yaml", MAPPING)
    serve(installed)
    installed.run("ssoferry", "load", "/srv/map.yaml", user="alice")
    assert signs_in(installed)
    installed.run("ssoferry", "list", user="mallory", expect=1)
    installed.run("ssoferry", "load", "/srv/map.yaml", user="mallory", expect=1)


def test_a_member_of_the_group_first_then_root_and_the_daemon(installed):
    installed.run("useradd", "-m", "-G", "ssoferry", "alice")
    put(installed, "/srv/map.yaml", MAPPING)
    installed.run("sh", "-c", "rm /var/lib/ssoferry/*")
    installed.run("ssoferry", "load", "/srv/map.yaml", user="alice", umask=0o022)
    serve(installed)
    assert signs_in(installed)


def test_upgrading_keeps_the_table_and_what_was_edited(installed, deb, tmp_path):
    config = installed.path("/etc/ssoferry/ssoferryd.yaml")
    edited = config.read_text().replace("{identifier}", "{identifier}/acs")
    config.write_text(edited)
    installed.run("ssoferry", "load", "/srv/private.yaml")
    install(installed, upgrade_of(deb, tmp_path), "--force-confold")
    assert config.read_text() == edited
    assert installed.path("/etc/ssoferry/ssoferryd.yaml.dpkg-dist").exists()
    assert installed.run("ssoferry", "get", "acme").returncode == 0
    assert installed.facts("/var/lib/ssoferry") == ("ssoferry", "ssoferry", "2770")
    serve(installed)


@pytest.mark.parametrize("spoil", ["ln -s /etc/shadow", "mkdir"])
def test_a_spoilt_lock_file_stops_no_upgrade(installed, deb, tmp_path, spoil):
    """By a member of the group."""
    installed.run("sh", "-c", f"rm {STORE}-lock && {spoil} {STORE}-lock")
    told = install(installed, upgrade_of(deb, tmp_path), "--force-confold").stderr
    assert "\nssoferry: not every file of the store could be made; remove what stands in its place (see above), then: " in told
    assert installed.run("dpkg-query", "-W", "-f", "${Status}", "ssoferry").stdout == "install ok installed"
    assert installed.facts("/etc/shadow") == ("root", "shadow", "640")


def test_removing_keeps_configuration_and_table_and_purging_nothing(empty, deb):
    before = empty.tree()
    install(empty, deb)
    put(empty, "/srv/map.yaml", MAPPING)
    daemon = serve(empty)
    empty.run("ssoferry", "load", "/srv/map.yaml")
    assert empty.status("http://127.0.0.1:8080/healthz") == 200
    daemon.terminate()
    daemon.wait(60)

    empty.run("dpkg", "--remove", "ssoferry")
    assert not empty.path("/usr/sbin/ssoferryd").exists()
    assert empty.path("/etc/ssoferry/ssoferryd.yaml").exists() and empty.path(STORE).exists()
    put(empty, "/etc/ssoferry/tls/key.pem", "an administrator's own")

    empty.run("dpkg", "--purge", "ssoferry")
    empty.path("/srv/map.yaml").unlink()
    after = empty.tree()
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    left = {path for path in changed if not re.match(r"(var/lib/dpkg|var/log|var/cache|run|proc|tmp|srv|etc/resolv\.conf)(/|$)", path)}
    # The user stays: its number must not go to another while files of its own may be somewhere.
    accounts = {f"etc/{name}{old}" for name in ("passwd", "group", "shadow", "gshadow") for old in ("", "-")} | {"etc/.pwd.lock"}
    assert left <= accounts, sorted(left - accounts)
    assert empty.run("dpkg-query", "-W", "ssoferry", expect=None).returncode == 1


def test_purging_empties_a_store_on_a_file_system_of_its_own(installed):
    """Which cannot be removed as long as it is mounted there."""
    directory = installed.path("/var/lib/ssoferry")
    call("nsenter", f"--target={installed.first}", "--mount", "mount", "-t", "tmpfs", "tmpfs", directory)
    installed.run("ssoferry", "load", "/srv/private.yaml")
    installed.run("dpkg", "--purge", "ssoferry")
    assert installed.run("ls", "-A", "/var/lib/ssoferry").stdout == ""
    assert installed.run("dpkg-query", "-W", "ssoferry", expect=None).returncode == 1


def test_installing_again_after_a_removal(installed, deb):
    installed.run("ssoferry", "load", "/srv/private.yaml")
    installed.run("dpkg", "--remove", "ssoferry")
    install(installed, deb)
    assert installed.path("/etc/systemd/system/multi-user.target.wants/ssoferryd.service").is_symlink()
    assert not installed.path("/etc/systemd/system/ssoferryd.service").exists()  # no longer masked
    serve(installed)
    assert signs_in(installed)


def test_completion_as_installed(installed):
    installed.apt("--version")
    offered = installed.run("bash", "-c", ". /usr/share/bash-completion/completions/ssoferry; COMP_WORDS=(ssoferry ''); COMP_CWORD=1; "
                            "COMP_LINE='ssoferry '; _ssoferry ssoferry; printf '%s\\n' \"${COMPREPLY[@]}\"").stdout.split()
    assert {"load", "check", "rollback", "help"} <= set(offered)


# -- with systemd -----------------------------------------------------------------------------------------------------------

UNIT = "ssoferryd.service"


@pytest.fixture
def running(booted, deb):
    install(booted, deb)
    wait_for(lambda: booted.status("http://127.0.0.1:8080/healthz") == 503, "the daemon to answer")
    booted.run("ssoferry", "load", "/srv/private.yaml")
    return booted


def pid_of(machine):
    return int(machine.property(UNIT, "MainPID"))


def drop_in(machine, text):
    put(machine, f"/etc/systemd/system/{UNIT}.d/test.conf", text)
    machine.systemctl("daemon-reload")


def test_installing_starts_it_and_it_starts_with_the_machine(booted, deb):
    install(booted, deb)
    assert booted.systemctl("is-enabled", UNIT).stdout == "enabled\n"
    wait_for(lambda: booted.status("http://127.0.0.1:8080/healthz") == 503, "the daemon to answer")
    assert booted.systemctl("is-active", UNIT).stdout == "active\n"
    assert booted.run("stat", "-c", "%U", f"/proc/{pid_of(booted)}").stdout == "ssoferry\n"
    booted.run("ssoferry", "load", "/srv/private.yaml")
    assert signs_in(booted)
    assert booted.facts("/var/lib/ssoferry") == ("ssoferry", "ssoferry", "2770")
    assert booted.facts(STORE) == ("ssoferry", "ssoferry", "660")
    booted.run("ssoferry", "report")
    assert booted.systemctl("--failed", "--no-legend", "list-units", "ssoferry*").stdout == ""
    wait_for(lambda: '"decision":"stytch"' in booted.journal(UNIT), "the request's line in the journal")
    log = booted.run("sh", "-c", "journalctl -u ssoferryd -o cat --since -7d | grep '^{'").stdout  # as docs/operations.md has it
    assert "stytch" in [json.loads(line)["decision"] for line in log.splitlines()]


def test_the_unit_is_good_where_it_is_installed(running):
    verified = running.run("systemd-analyze", "verify", "--man=no", UNIT, "ssoferryd.socket", expect=None)
    assert (verified.returncode, [line for line in verified.stderr.splitlines() if "ssoferry" in line]) == (0, [])
    running.run("systemd-analyze", "security", "--threshold=15", UNIT)


def test_it_drains_and_ends_well(running):
    running.systemctl("stop", UNIT)
    assert (running.property(UNIT, "Result"), running.property(UNIT, "ExecMainStatus")) == ("success", "0")


def test_it_comes_back_when_it_is_killed(running):
    before = pid_of(running)
    running.systemctl("kill", "--signal=KILL", UNIT)
    wait_for(lambda: pid_of(running) not in (0, before) and signs_in(running), "the daemon to come back")


def test_a_configuration_with_errors_is_not_tried_again(running):
    put(running, "/etc/ssoferry/ssoferryd.yaml", "routs: []\n")
    running.systemctl("restart", UNIT, expect=None)
    wait_for(lambda: running.property(UNIT, "ActiveState") == "failed", "the unit to fail")
    assert (running.property(UNIT, "ExecMainStatus"), running.property(UNIT, "NRestarts")) == ("2", "0")
    assert "/etc/ssoferry/ssoferryd.yaml:1:1:" in running.journal(UNIT)


def test_a_fault_that_may_pass_is_tried_again(running):
    """Here somebody else has the port for a while."""
    running.systemctl("stop", UNIT)
    other = running.start("perl", "-MIO::Socket::INET", "-e",
                          "$s = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1:8080') or die; print qq(up\\n); close STDOUT; sleep 1 until -e '/run/enough'")
    assert other.stdout.readline() == "up\n"
    running.systemctl("start", UNIT, expect=None)
    wait_for(lambda: int(running.property(UNIT, "NRestarts")) >= 1, "a second try")
    running.run("touch", "/run/enough")
    wait_for(lambda: signs_in(running), "the daemon to have the port")


def test_reloading_reads_the_configuration_again_and_a_bad_one_changes_nothing(running):
    config, before = running.path("/etc/ssoferry/ssoferryd.yaml"), pid_of(running)
    good = config.read_text()
    config.write_text(good.replace("/old-sso/{identifier}", "/new-sso/{identifier}"))
    running.systemctl("reload", UNIT)
    wait_for(lambda: running.status("http://127.0.0.1:8080/new-sso/acme") == 307, "the new route")
    config.write_text(good + "nonsense: true\n")
    assert running.systemctl("reload", UNIT, expect=None).returncode != 0
    refused = "Reload refused: /etc/ssoferry/ssoferryd.yaml: 1 error;"
    wait_for(lambda: running.property(UNIT, "StatusText").startswith(refused), "the unit's status")
    wait_for(lambda: "nonsense" in running.journal(UNIT), "the complaint")
    assert running.status("http://127.0.0.1:8080/new-sso/acme") == 307
    assert pid_of(running) == before and running.systemctl("is-active", UNIT).stdout == "active\n"


def test_a_daemon_that_hangs_is_replaced(running):
    drop_in(running, "[Service]\nWatchdogSec=2\n")
    running.systemctl("restart", UNIT)
    before = pid_of(running)
    running.systemctl("kill", "--signal=STOP", UNIT)
    wait_for(lambda: pid_of(running) not in (0, before) and signs_in(running), "another daemon")
    assert "watchdog" in running.journal(UNIT)


def sign_in_again_and_again(machine, enough):
    """Signs in, each time by a new connection, until enough() and some more; (how many went well, the others)."""
    went, other = 0, []
    more = 20
    while more > 0:
        more -= 1 if enough() else 0
        done = machine.curl(*SIGN_IN)
        if done.stdout == SIGNED_IN:
            went += 1
        else:
            other.append((done.returncode, done.stdout))
    return went, other


def test_a_restart_behind_the_socket_unit_refuses_nobody(running):
    running.systemctl("stop", UNIT)
    running.systemctl("enable", "--now", "ssoferryd.socket")
    running.systemctl("start", UNIT)
    before = pid_of(running)
    restart = running.start("systemctl", "restart", UNIT)
    went, other = sign_in_again_and_again(running, lambda: restart.poll() is not None)
    assert restart.returncode == 0 and pid_of(running) not in (0, before)
    assert not other and went > 50, (went, other)


def test_an_upgrade_behind_the_socket_unit_refuses_nobody(running, deb, tmp_path):
    running.systemctl("stop", UNIT)
    running.systemctl("enable", "--now", "ssoferryd.socket")
    running.systemctl("start", UNIT)
    before = pid_of(running)
    shutil.copy(upgrade_of(deb, tmp_path), running.path("/srv/newer.deb"))
    upgrade = running.start("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "-i", "/srv/newer.deb")
    went, other = sign_in_again_and_again(running, lambda: upgrade.poll() is not None)
    assert upgrade.returncode == 0 and pid_of(running) not in (0, before)
    assert not other and went > 50, (went, other)


def is_enabled_twice(machine):
    names = ("sockets.target", "ssoferryd.service")
    return [machine.path(f"/etc/systemd/system/{name}.wants/ssoferryd.socket").is_symlink() for name in names] == [True, True]


def test_a_broken_start_behind_the_socket_unit_is_over_with_the_next_good_one(running):
    """systemd gives the socket up when its service fails again and again."""
    running.systemctl("stop", UNIT)
    running.systemctl("enable", "--now", "ssoferryd.socket")
    running.systemctl("start", UNIT)
    assert is_enabled_twice(running)
    config = running.path("/etc/ssoferry/ssoferryd.yaml")
    good = config.read_text()
    config.write_text(good + "nonsense: true\n")
    running.systemctl("restart", UNIT, expect=None)

    def is_given_up():
        running.curl("--max-time", "1", "http://127.0.0.1:8080/healthz")
        return running.property("ssoferryd.socket", "Result") == "trigger-limit-hit"

    wait_for(is_given_up, "the socket to be given up")
    config.write_text(good)
    running.systemctl("restart", UNIT)
    assert running.property("ssoferryd.socket", "ActiveState") == "active" and signs_in(running)


def test_an_upgrade_has_the_daemon_want_a_socket_that_was_enabled_before(booted, deb, tmp_path):
    install(booted, older_of(deb, tmp_path))
    booted.systemctl("stop", UNIT)
    booted.systemctl("enable", "--now", "ssoferryd.socket")
    assert not is_enabled_twice(booted)
    install(booted, deb)
    assert is_enabled_twice(booted)


def test_a_drain_that_is_longer_than_the_watchdog_is_no_hang(running):
    config = running.path("/etc/ssoferry/ssoferryd.yaml")
    config.write_text(re.sub(r"^  delay: \S+", "  delay: 8s", config.read_text(), flags=re.M))
    drop_in(running, "[Service]\nWatchdogSec=4\n")
    running.systemctl("restart", UNIT)
    running.systemctl("stop", UNIT)
    assert (running.property(UNIT, "Result"), running.property(UNIT, "ExecMainStatus")) == ("success", "0")
    assert "watchdog" not in running.journal(UNIT)


def test_the_daemon_is_in_its_sandbox_and_nothing_of_it_was_refused(running):
    status = running.run("cat", f"/proc/{pid_of(running)}/status").stdout
    facts = dict(re.findall(r"^(\w+):\s*(.*)$", status, re.M))
    assert facts["CapEff"] == facts["CapPrm"] == "0" * 16
    put(running, "/etc/ssoferry/open.yaml", running.path("/etc/ssoferry/ssoferryd.yaml").read_text().replace("sandbox: on", "sandbox: off"))
    drop_in(running, "[Service]\nExecStart=\nExecStart=/usr/sbin/ssoferryd -c /etc/ssoferry/open.yaml\n")
    running.systemctl("restart", UNIT)
    open_status = running.run("cat", f"/proc/{pid_of(running)}/status").stdout
    assert int(re.search(r"^Seccomp_filters:\s*(\d+)", open_status, re.M)[1]) == int(facts["Seccomp_filters"]) - 1
    assert "sandbox" not in running.journal(UNIT)


def test_upgrading_restarts_it_and_keeps_the_table(running, deb, tmp_path):
    before = pid_of(running)
    install(running, upgrade_of(deb, tmp_path))
    wait_for(lambda: signs_in(running), "the new daemon to answer")
    assert pid_of(running) not in (0, before)
    assert running.path("/etc/ssoferry/ssoferryd.yaml").read_text().startswith("# A newer sample.\n")


def test_upgrading_leaves_one_alone_that_could_not_start_again(running, deb, tmp_path):
    """Its configuration was changed for the worse, which harms nobody before the next start."""
    config, before = running.path("/etc/ssoferry/ssoferryd.yaml"), pid_of(running)
    good = config.read_text()
    config.write_text(good + "nonsense: true\n")
    done = install(running, upgrade_of(deb, tmp_path), "--force-confold")
    assert pid_of(running) == before and signs_in(running)
    assert "ssoferryd is not restarted" in done.stderr and "nonsense" in done.stderr
    config.write_text(good)
    running.systemctl("restart", UNIT)
    assert pid_of(running) not in (0, before) and signs_in(running)


def test_upgrading_leaves_one_alone_whose_files_its_user_may_not_read_any_more(running, deb, tmp_path):
    """Which root may. Its other groups count, those of a drop-in as well."""
    config, before = running.path("/etc/ssoferry/ssoferryd.yaml"), pid_of(running)
    newer = upgrade_of(deb, tmp_path)
    config.chmod(0o600)
    done = install(running, newer, "--force-confold")
    assert pid_of(running) == before and signs_in(running)
    assert "ssoferryd is not restarted" in done.stderr and "ssoferryd.yaml: cannot be read: Permission denied" in done.stderr

    running.run("chgrp", "mail", "/etc/ssoferry/ssoferryd.yaml")
    config.chmod(0o640)
    drop_in(running, "[Service]\nSupplementaryGroups=mail\n")
    install(running, newer, "--force-confold")
    wait_for(lambda: pid_of(running) not in (0, before) and signs_in(running), "the new daemon to answer")


def test_upgrading_checks_the_configuration_that_a_drop_in_names(running, deb, tmp_path):
    config = running.path("/etc/ssoferry/other.yaml")
    config.write_text(running.path("/etc/ssoferry/ssoferryd.yaml").read_text())
    drop_in(running, "[Service]\nExecStart=\nExecStart=/usr/sbin/ssoferryd -c /etc/ssoferry/other.yaml\n")
    running.systemctl("restart", UNIT)
    before, newer = pid_of(running), upgrade_of(deb, tmp_path)
    config.write_text(config.read_text() + "nonsense: true\n")
    done = install(running, newer, "--force-confold")
    assert pid_of(running) == before and signs_in(running)
    assert "ssoferryd is not restarted" in done.stderr and "other.yaml" in done.stderr


def test_upgrading_leaves_a_disabled_one_alone(running, deb, tmp_path):
    running.systemctl("disable", "--now", UNIT)
    install(running, upgrade_of(deb, tmp_path))
    assert running.systemctl("is-enabled", UNIT, expect=None).stdout == "disabled\n"
    assert running.systemctl("is-active", UNIT, expect=None).stdout == "inactive\n"


@pytest.mark.parametrize("by_socket", [False, True])
def test_removing_stops_it_and_purging_forgets_it(running, by_socket):
    if by_socket:
        running.systemctl("stop", UNIT)
        running.systemctl("enable", "--now", "ssoferryd.socket")
        assert signs_in(running)  # starts the daemon
    running.run("dpkg", "--remove", "ssoferry")
    assert running.status("http://127.0.0.1:8080/healthz") == 0
    assert running.path(STORE).exists()
    running.run("dpkg", "--purge", "ssoferry")
    assert running.property(UNIT, "LoadState") == running.property("ssoferryd.socket", "LoadState") == "not-found"
    for path in ("/var/lib/ssoferry", "/etc/ssoferry", "/etc/systemd/system/ssoferryd.service", "/etc/systemd/system/ssoferryd.socket",
                 "/etc/systemd/system/multi-user.target.wants/ssoferryd.service", "/etc/systemd/system/sockets.target.wants/ssoferryd.socket",
                 "/etc/systemd/system/ssoferryd.service.wants",
                 "/run/ssoferry"):
        assert not os.path.lexists(running.path(path)) and running.run("test", "-e", path, expect=None).returncode == 1, path


def test_a_port_below_1024_takes_the_drop_in_that_the_unit_names(running):
    config = running.path("/etc/ssoferry/ssoferryd.yaml")
    config.write_text(config.read_text().replace("127.0.0.1:8080 ", "127.0.0.1:443 "))
    running.systemctl("restart", UNIT, expect=None)
    wait_for(lambda: int(running.property(UNIT, "NRestarts")) >= 1, "it to fail without the right")
    drop_in(running, "[Service]\nAmbientCapabilities=CAP_NET_BIND_SERVICE\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\nPrivateUsers=no\n")
    running.systemctl("restart", UNIT)
    wait_for(lambda: running.status("http://127.0.0.1:443/healthz") == 200, "the daemon to answer at port 443")


def test_a_store_elsewhere_takes_the_drop_in_that_the_unit_names(running):
    store = "/srv/sso/connections.mdb"
    running.run("install", "-d", "-o", "ssoferry", "-g", "ssoferry", "-m", "2770", "/srv/sso")
    config = running.path("/etc/ssoferry/ssoferryd.yaml")
    config.write_text(config.read_text().replace(f"store: {STORE}", f"store: {store}"))
    running.systemctl("restart", UNIT, expect=None)
    wait_for(lambda: "cannot open the table: Read-only file system" in running.journal(UNIT), "it to fail without the right")
    drop_in(running, "[Service]\nReadWritePaths=/srv/sso\n")
    running.systemctl("restart", UNIT)
    running.run("ssoferry", "load", "/srv/private.yaml")
    assert signs_in(running)
    wait_for(lambda: '"identifier":"acme","state":"stytch","label":null,"hits":1,' in running.run("ssoferry", "report", "--json").stdout, "its being counted")


def listen_at_a_unix_socket(machine):
    """The configuration has it from now on; says whether the daemon answers there."""
    config = machine.path("/etc/ssoferry/ssoferryd.yaml")
    config.write_text(config.read_text().replace("  - address: 127.0.0.1:8080 ", "  - address: unix:/run/ssoferry/http.sock "))
    socket = Path(f"/proc/{machine.first}/root", "run/ssoferry/http.sock")
    return lambda: machine.curl("-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", str(socket), "http://localhost/healthz").stdout == "200"


def test_unix_sockets_in_the_runtime_directory(running):
    answers = listen_at_a_unix_socket(running)
    running.systemctl("restart", UNIT)
    wait_for(answers, "the daemon to answer at its socket")


def test_the_socket_units_unix_socket_outlives_the_daemon(running):
    """Its file lies in a directory that systemd would otherwise remove when the daemon ends."""
    answers = listen_at_a_unix_socket(running)
    put(running, "/etc/systemd/system/ssoferryd.socket.d/test.conf", "[Socket]\nListenStream=\nListenStream=/run/ssoferry/http.sock\n")
    running.systemctl("daemon-reload")
    running.systemctl("stop", UNIT)
    running.systemctl("enable", "--now", "ssoferryd.socket")
    running.systemctl("start", UNIT)
    assert answers()
    running.systemctl("restart", UNIT)
    assert answers()
    before = pid_of(running)
    running.systemctl("kill", "--signal=KILL", UNIT)
    wait_for(lambda: pid_of(running) not in (0, before) and answers(), "the daemon to come back")
    running.systemctl("stop", UNIT)
    assert answers(), "a client starts it"


PROBE = """
may() { if "$@" >/dev/null 2>&1; then echo "MAY $*"; else echo "may not $*"; fi; }
may touch /etc/ssoferry/x
may touch /usr/x
may touch /tmp/x
may touch /var/lib/ssoferry/x
may rm /var/lib/ssoferry/x
may touch /run/ssoferry/x
may touch /var/tmp/../lib/x
may ls /home
may ls /root
may cat /proc/1/environ
may test -e /proc/1
may test -e /proc/sys
may test -e /dev/kmsg
may test -e /dev/null
may mount -t tmpfs tmpfs /tmp
may unshare --user true
may unshare --net true
may chown ssoferry /var/lib/ssoferry
may chmod u+s /var/lib/ssoferry
may su -c true
may hostname other
may chrt --fifo 1 true
may perl -MSocket -e 'socket(my $s, PF_INET, SOCK_RAW, 1) or die'
may perl -MSocket -e 'socket(my $s, 17, SOCK_RAW, 0) or die'
may perl -MSocket -e 'socket(my $s, 16, SOCK_RAW, 0) or die'
may perl -MSocket -e 'socket(my $s, PF_INET, SOCK_STREAM, 0) or die'
may perl -e 'syscall(9, 0, 4096, 7, 0x22, -1, 0) > 0 or die'
may perl -e 'syscall(101, 0, 0, 0, 0) == 0 or die'
may perl -e 'syscall(425, 1, "x" x 200) >= 0 or die'
"""
MAY = {"touch /tmp/x", "touch /var/lib/ssoferry/x", "rm /var/lib/ssoferry/x", "touch /run/ssoferry/x", "test -e /dev/null",
       "perl -MSocket -e socket(my $s, PF_INET, SOCK_STREAM, 0) or die"}


def test_what_the_unit_lets_its_program_do(running):
    """A script in the daemon's place tries; in a unit that shuts nothing in, the same script may more."""
    put(running, "/usr/local/bin/probe", "#!/bin/bash\n" + PROBE, 0o755)
    drop_in(running, "[Service]\nType=oneshot\nExecStart=\nExecStart=/usr/local/bin/probe\nRestart=no\n")
    running.systemctl("restart", UNIT)
    said = running.journal(UNIT)
    tried = re.findall(r"^(?:MAY|may not) (.*)$", said, re.M)
    assert len(tried) == PROBE.count("\nmay ")
    assert set(re.findall(r"^MAY (.*)$", said, re.M)) == MAY
    free = running.run("systemd-run", "--pipe", "--wait", "--quiet", "/usr/local/bin/probe", expect=None).stdout
    assert {"touch /usr/x", "ls /home", "unshare --net true"} <= set(re.findall(r"^MAY (.*)$", free, re.M))


# -- containers -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def image(layers):
    """What the Dockerfile makes, step by step, of a minimal Debian."""
    debian = machine.base(machine.RELEASES[dockerfile.debian()])
    assert dockerfile.debian("build") == dockerfile.debian()
    with debian.layer(layers / "build") as build, debian.layer(layers / "image") as made:
        dockerfile.follow("build", build, {})
        dockerfile.follow("image", made, {"build": build})
        yield made
    debian.stop()


class Container:
    """The image with a volume and a /tmp, with nothing else to write and no rights."""

    def __init__(self, machine, volume, temporary, uid):
        self.machine, self.volumes, self.uid, self.alone = machine, {"/var/lib/ssoferry": volume, "/tmp": temporary}, uid, True

    def start(self, *words):
        self.process = subprocess.Popen(self.machine.contained(*words, uid=self.uid, volumes=self.volumes, first=self.alone), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return self

    def inside(self, *words, input=None):
        """As `docker exec -i` does: in the namespaces of the container's first process."""
        first = self.first()
        command = ["nsenter", f"--target={first}", "--mount", "--pid", "--net", "--root", "--wd=/", "setpriv", f"--reuid={self.uid}",
                   f"--regid={self.uid}", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", *words]
        return subprocess.run(command, input=input, capture_output=True, text=True, timeout=60)

    def first(self):
        return next(pid for pid in machine.descendants(self.process.pid) if "ssoferryd" == Path(f"/proc/{pid}/comm").read_text().strip())

    def run(self, *words):
        """A container of its own on the same volume, to its end."""
        return subprocess.run(self.machine.contained(*words, uid=self.uid, volumes=self.volumes, first=self.alone), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60)

    def stop(self):
        os.kill(self.first(), signal.SIGTERM)
        return self.process.communicate(timeout=60)[1], self.process.returncode


@pytest.fixture
def container(image, layers):
    with image.layer(layers / "containers", isolated=True) as here:
        volume = layers / "containers/volume"
        shutil.copytree(here.path("/var/lib/ssoferry"), volume)  # as Docker fills a new volume
        call("cp", "-a", "--attributes-only", "--no-target-directory", here.path("/var/lib/ssoferry"), volume)
        uid = int(dockerfile.settings()["USER"].split(":")[0])
        for path in (volume, *volume.iterdir()):
            os.chown(path, uid, uid)
        put(here, "/map.yaml", MAPPING)
        temporary = layers / "containers/tmp"
        temporary.mkdir()
        temporary.chmod(0o1777)
        yield Container(here, volume, temporary, uid)


def test_the_dockerfiles_image_serves(container):
    container.start(*dockerfile.entrypoint())
    wait_for(lambda: container.machine.status("http://127.0.0.1:8080/healthz") == 503, "the daemon to answer")
    assert container.inside(*dockerfile.health_check()).returncode == 1
    loaded = container.inside("ssoferry", "load", "-", input=MAPPING)
    assert loaded.returncode == 0, loaded.stderr
    assert container.inside(*dockerfile.health_check()).returncode == 0
    assert signs_in(container.machine)
    assert container.inside("touch", "/etc/x").returncode == 1 and container.inside("id", "-u").stdout == f"{container.uid}\n"
    words, status = container.stop()
    assert status == 0, words


def test_two_containers_with_the_same_process_number_get_in_each_others_way_and_harm_nothing(container):
    """LMDB tells who has a table open by process numbers, and each container's first process is number 1."""
    container.start(*dockerfile.entrypoint())
    wait_for(lambda: container.machine.status("http://127.0.0.1:8080/healthz") == 503, "the daemon to answer")
    assert container.run("ssoferry", "load", "/map.yaml").returncode == 1
    assert container.inside("ssoferry", "load", "/map.yaml").returncode == 0
    assert signs_in(container.machine)
    assert container.run("ssoferry", "set", "acme", "state=disabled").returncode == 1
    assert container.run("sh", "-c", "ssoferry set acme state=disabled; exit $?").returncode == 0  # number 2 of its container
    assert container.machine.status("http://127.0.0.1:8080/old-sso/acme") == 410
    assert container.stop()[1] == 0


def test_the_pod(container):
    """The manifest's containers with its configuration, one after the other as the kubelet starts them."""
    manifests = {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all((dockerfile.DEPLOY / "kubernetes.yaml").read_text())}
    pod, here = manifests["Deployment", "ssoferry"]["spec"]["template"]["spec"], container.machine
    sources = {"store": container.volumes["/var/lib/ssoferry"]}
    for volume in pod["volumes"]:
        source = sources.setdefault(volume["name"], here.root.parent / volume["name"])
        source.mkdir(exist_ok=True)
        source.chmod(0o2777 if "emptyDir" in volume else 0o755)
        for file, text in manifests["ConfigMap", volume["configMap"]["name"]]["data"].items() if "configMap" in volume else ():
            (source / file).write_text(text)
    shutil.rmtree(sources["store"])
    sources["store"].mkdir()
    os.chown(sources["store"], 0, pod["securityContext"]["fsGroup"])
    sources["store"].chmod(0o2775)  # as the kubelet makes an emptyDir for an fsGroup
    container.uid, container.alone = pod["securityContext"]["runAsUser"], not pod["shareProcessNamespace"]
    (load,), (daemon,) = pod["initContainers"], pod["containers"]

    container.volumes = {mount["mountPath"]: sources[mount["name"]] for mount in load["volumeMounts"]}
    for path in container.volumes:
        here.path(path).mkdir(exist_ok=True)
    loaded = container.run(*load["command"])
    assert loaded.returncode == 0, loaded.stderr
    container.volumes = {mount["mountPath"]: sources[mount["name"]] for mount in daemon["volumeMounts"]}
    container.start(*dockerfile.entrypoint())
    ready, alive = daemon["readinessProbe"]["httpGet"], daemon["livenessProbe"]["httpGet"]
    wait_for(lambda: here.status(f"http://127.0.0.1:8080{ready['path']}") == 200, "the pod to be ready")
    assert here.status(f"http://127.0.0.1:8081{alive['path']}") == 200
    assert signs_in(here)
    assert container.inside(daemon["lifecycle"]["preStop"]["exec"]["command"][0], "0").returncode == 0
    words, status = container.stop()
    assert status == 0, words
