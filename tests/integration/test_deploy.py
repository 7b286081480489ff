"""The unit and the container files: what can be told of them without systemd as the first process and without a container engine."""
import configparser
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

import dockerfile
from ports import free_port
from programs import ROOT, needs_root, program, run
from web_server import Reply, WebServer

UNIT = ROOT / "config/ssoferryd.service"


# -- the unit ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def unit(tmp_path):
    """As it is installed, but with this build's daemon."""
    path = tmp_path / "ssoferryd.service"
    path.write_text(UNIT.read_text().replace("/usr/sbin/ssoferryd", program("ssoferryd")))
    return path


def test_systemd_finds_nothing_wrong_with_the_unit(unit):
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_unit_is_shut_in(unit):
    """1.5 of 10, where 10 is a daemon that may do everything."""
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", str(unit)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h)?", text).groups()
    return int(number) * {"ms": 0.001, "s": 1, None: 1, "m": 60, "h": 3600}[unit]


def defaults():
    rows = run("ssoferryd", "--list-keys").stdout.splitlines()
    return {name: default for name, _, default, _, _ in (row.split("\t") for row in rows)}


def test_the_unit_gives_time_to_drain_and_descriptors_enough():
    parser = configparser.RawConfigParser(strict=False, delimiters="=", comment_prefixes="#")
    parser.read(UNIT)
    service, keys = parser["Service"], defaults()
    assert seconds(service["TimeoutStopSec"]) > seconds(keys["drain.delay"]) + seconds(keys["drain.timeout"])
    assert int(service["LimitNOFILE"]) > 2 * int(keys["limits.connections"])
    assert str(Path(keys["store"]).parent) == f"/var/lib/{service['StateDirectory']}"


def test_the_socket_unit_has_the_address_of_the_sample():
    listen = re.findall(r"^ListenStream=(.*)$", (ROOT / "config/ssoferryd.socket").read_text(), re.M)
    sample = yaml.safe_load((ROOT / "config/ssoferryd.yaml").read_text())
    assert listen == [each["address"] for each in sample["listen"]]


# -- Kubernetes -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def manifests():
    text, mark, monitor = (dockerfile.DEPLOY / "kubernetes.yaml").read_text().partition("\n# ---\n")
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(text + (mark + monitor).replace("\n# ", "\n"))}


@pytest.fixture(scope="module")
def pod(manifests):
    return manifests["Deployment", "ssoferry"]["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def config(manifests):
    return yaml.safe_load(manifests["ConfigMap", "ssoferry"]["data"]["ssoferryd.yaml"])


def test_the_programs_take_the_config_maps(manifests, tmp_path):
    for name in ("ssoferry", "ssoferry-connections"):
        for file, text in manifests["ConfigMap", name]["data"].items():
            (tmp_path / file).write_text(text)
    checked = run("ssoferryd", "--check", "-c", tmp_path / "ssoferryd.yaml")
    assert checked.stderr == ""
    run("ssoferry", "-c", tmp_path / "ssoferryd.yaml", "check", tmp_path / "connections.yaml")


def test_selectors_select(manifests):
    deployment = manifests["Deployment", "ssoferry"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    selectors = [deployment["selector"]["matchLabels"], manifests["Service", "ssoferry"]["spec"]["selector"],
                 manifests["PodDisruptionBudget", "ssoferry"]["spec"]["selector"]["matchLabels"],
                 manifests["NetworkPolicy", "ssoferry"]["spec"]["podSelector"]["matchLabels"]]
    assert all(selector.items() <= labels.items() for selector in selectors)


def test_ports_are_those_that_are_listened_on(manifests, pod, config):
    ports = {port["name"]: port["containerPort"] for port in pod["containers"][0]["ports"]}
    assert ports["http"] == int(config["listen"][0]["address"].rpartition(":")[2])
    assert ports["admin"] == int(config["admin"]["address"].rpartition(":")[2])
    named = [port["targetPort"] for port in manifests["Service", "ssoferry"]["spec"]["ports"]]
    named += [port["port"] for rule in manifests["NetworkPolicy", "ssoferry"]["spec"]["ingress"] for port in rule["ports"]]
    named += [pod["containers"][0][probe]["httpGet"]["port"] for probe in ("readinessProbe", "livenessProbe", "startupProbe")]
    assert set(named) == {"http", "admin"}


def test_prometheus_finds_the_pods_as_the_job_that_the_alerts_name(manifests, pod):
    monitor = manifests["PodMonitor", "ssoferry"]["spec"]
    labels = manifests["Deployment", "ssoferry"]["spec"]["template"]["metadata"]["labels"]
    assert monitor["selector"]["matchLabels"].items() <= labels.items()
    assert labels[monitor["jobLabel"]] == "ssoferry"
    assert {each["port"] for each in monitor["podMetricsEndpoints"]} <= {port["name"] for port in pod["containers"][0]["ports"]}


def test_the_probes_get_answers(pod, config, make_gateway):
    """The paths, on a daemon with the same configuration but other ports: ready once there is a table, alive before."""
    admin, container = free_port(), pod["containers"][0]
    gateway = make_gateway(admin={"address": f"127.0.0.1:{admin}"}, routes=config["routes"])
    gateway.start()
    port = {"http": gateway.port, "admin": admin}

    def probe(name):
        get = container[name]["httpGet"]
        done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{port[get['port']]}{get['path']}"],
                              capture_output=True, text=True, timeout=30)
        return int(done.stdout)

    assert (probe("readinessProbe"), probe("livenessProbe"), probe("startupProbe")) == (503, 200, 200)
    gateway.load({"acme": "saml-connection-live-51861cbc-d3b9-428b-9761-227f5fb12be9"})
    assert (probe("readinessProbe"), probe("livenessProbe"), probe("startupProbe")) == (200, 200, 200)
    gateway.stop()


def test_the_pod_gives_time_to_drain(pod, config):
    sleep, pause = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert sleep == "sleep"
    assert pod["terminationGracePeriodSeconds"] > int(pause) + sum(seconds(config["drain"][key]) for key in ("delay", "timeout"))


def size(text):
    number, unit = re.fullmatch(r"(\d+)([KMG]i)B?", text).groups()
    return int(number) << {"Ki": 10, "Mi": 20, "Gi": 30}[unit]


def test_the_pod_has_memory_for_all_connections(pod, config):
    """Also where each has just what limits.memory does not count, and over TLS; see test_what_a_connection_takes_besides_is_as_documented. The rest is
    what the daemon takes without them, with the 16 MiB of rows that it remembers."""
    limits = {**{name: defaults()[f"limits.{name}"] for name in ("connections", "memory")}, **config["limits"]}
    taken = int(limits["connections"]) * size("48KiB") + size(limits["memory"]) * 5 // 4 + size("32MiB")
    assert taken < size(pod["containers"][0]["resources"]["limits"]["memory"])


def test_the_pod_is_shut_in(pod):
    assert pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["shareProcessNamespace"] is True and pod["automountServiceAccountToken"] is False
    for container in (*pod["initContainers"], *pod["containers"]):
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
        assert "memory" in container["resources"]["limits"] and "cpu" not in container["resources"]["limits"]


def test_every_mount_has_its_volume_and_every_volume_its_config_map(manifests, pod):
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for container in (*pod["initContainers"], *pod["containers"]):
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert mounts.keys() <= volumes.keys()
        assert mounts["store"] == "/var/lib/ssoferry" and mounts["config"] == "/etc/ssoferry"
    for volume in volumes.values():
        if "configMap" in volume:
            assert ("ConfigMap", volume["configMap"]["name"]) in manifests


# -- the image --------------------------------------------------------------------------------------------------------------


def test_the_dockerfile_copies_what_is_there():
    copied = 0
    for _, word, rest in dockerfile.instructions():
        options, sources, _ = dockerfile.copies(rest) if word == "COPY" else ({}, [], "")
        for source in sources if "from" not in options else []:
            assert (ROOT / source).exists() and not dockerfile.is_ignored(source), source
            copied += 1
    assert copied >= 3


def test_the_dockerfile_knows_its_instructions_and_ends_confined():
    known = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT"}
    assert {word for _, word, _ in dockerfile.instructions()} == known
    uid, gid = dockerfile.settings()["USER"].split(":")
    assert int(uid) > 0 and int(gid) > 0
    assert dockerfile.entrypoint() == ["ssoferryd"] and dockerfile.health_check()[0] == "healthcheck"


def test_image_and_pod_agree(pod):
    image = dockerfile.settings()
    context = pod["securityContext"]
    assert image["USER"] == f"{context['runAsUser']}:{context['runAsGroup']}" and context["fsGroup"] == context["runAsGroup"]
    assert image["VOLUME"] == "/var/lib/ssoferry"
    project = re.search(r"project\(ssoferry VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
    assert {container["image"] for container in (*pod["initContainers"], *pod["containers"])} == {f"ssoferry:{project}"}


@pytest.mark.parametrize("file", ["config/deploy/Dockerfile", "docs/operations.md"])
def test_who_mounts_a_configuration_is_told_how_to_be_reached(file):
    """The sample listens on loopback, and the mount hides what the image has in its place."""
    assert f"`listen: [{{address: 0.0.0.0:{dockerfile.settings()['EXPOSE']}}}]`" in (ROOT / file).read_text()


def tls_commands(directory):
    """What docs/operations.md has root do for a private key, and again at each renewal; in another place, and for users and groups that are here."""
    section = (ROOT / "docs/operations.md").read_text().split("\n## TLS\n")[1].split("\n## ")[0]
    by_hand = "\n".join(re.findall(r"^\$ (install .*)$", section, re.MULTILINE))
    hook = "\n".join(line.removeprefix("  ") for line in re.search(r"^  ```sh\n(.*?)^  ```$", section, re.MULTILINE | re.DOTALL)[1].splitlines())
    for found, put in {"-o ssoferry": "-o nobody", "-g ssoferry": "-g daemon", "/etc/ssoferry": str(directory), "/etc/letsencrypt": str(directory)}.items():
        by_hand, hook = by_hand.replace(found, put), hook.replace(found, put)
    return by_hand, hook


@needs_root
def test_the_private_key_is_the_daemons_alone(open_directory):
    """Operators are members of the group, which lets them change the table."""
    key, live = open_directory / "tls/privkey.pem", open_directory / "live/sso.example.com"
    live.mkdir(parents=True)
    for name in ("privkey.pem", "fullchain.pem"):
        live.joinpath(name).write_text("PEM")
        live.joinpath(name).chmod(0o600)
    for commands in tls_commands(open_directory):
        key.unlink(missing_ok=True)
        subprocess.run(["sh", "-e"], input=commands, cwd=live, env={**os.environ, "RENEWED_LINEAGE": str(live)}, text=True, check=True, timeout=60)
        reads = lambda user, file: subprocess.run(["setpriv", f"--reuid={user}", "--regid=daemon", "--clear-groups", "cat", file],
                                                  capture_output=True, timeout=60).returncode == 0
        assert (reads("nobody", key), reads("nobody", key.with_name("fullchain.pem")), reads("games", key)) == (True, True, False), commands


def health_check(*arguments):
    return subprocess.run([dockerfile.DEPLOY / "healthcheck", *map(str, arguments)], capture_output=True, text=True, timeout=30)


def test_the_health_check(make_gateway):
    gateway = make_gateway()
    gateway.start()

    def check(*arguments):
        return health_check(*arguments).returncode

    assert check(gateway.port) == 1  # nothing is loaded yet
    gateway.load({"acme": "saml-connection-live-51861cbc-d3b9-428b-9761-227f5fb12be9"})
    assert check(gateway.port) == 0
    assert check(gateway.port, "/nowhere") == 1
    gateway.stop()
    assert check(gateway.port) == 1  # nobody listens


@pytest.mark.parametrize("live, ready, status", [(200, 200, 0), (503, 200, 1), (200, 503, 1), (404, 200, 0), (404, 503, 1)])
def test_the_health_check_asks_the_first_port_whether_its_workers_live(live, ready, status):
    """The admin listener's own thread answers /healthz while a worker hangs. 404: the first port is a public one."""
    asked = []

    def respond(received):
        asked.append(received.path)
        return Reply({"/livez": live, "/healthz": ready}.get(received.path, 200))

    first = WebServer("127.0.0.1", respond)
    try:
        assert health_check(first.port).returncode == status
        assert asked == ["/livez", "/healthz"][: 1 if live == 503 else 2]
        asked.clear()
        assert health_check(free_port(), first.port).returncode == (ready != 200) and asked == ["/healthz"]
        asked.clear()
        assert health_check(first.port, "/elsewhere").returncode == 0 and asked == ["/elsewhere"]
    finally:
        first.close()


@pytest.mark.parametrize("special", ["tls", "proxy"])
def test_the_health_check_of_a_listener_that_speaks_no_plain_http(special, make_gateway, authority, tmp_path):
    """The admin listener does. Without its port the check says what to do."""
    admin, public = free_port(), free_port()
    pair = authority.issue(tmp_path, "sso.example.com")
    extra = {"certificate": str(pair.certificate), "key": str(pair.key)} if special == "tls" else {"proxy_protocol": True}
    gateway = make_gateway(admin={"address": f"127.0.0.1:{admin}"})
    gateway.configure(listen=[*gateway.config["listen"], {"address": f"127.0.0.1:{public}", **extra}])
    gateway.load({"acme": "saml-connection-live-51861cbc-d3b9-428b-9761-227f5fb12be9"})
    gateway.start()
    assert health_check(admin, public).returncode == 0 and health_check(public, admin).returncode == 0
    refused = health_check(public)
    assert refused.returncode == 1
    assert f"no plain HTTP at port {public}" in refused.stderr and "the admin listener's port" in refused.stderr


@pytest.mark.parametrize("script", ["config/deploy/healthcheck", "config/deb/postinst", "config/deb/prerm", "config/deb/postrm",
                                    "config/completions/ssoferry.bash", "config/completions/ssoferryd.bash"])
def test_shell_scripts(script):
    done = subprocess.run(["shellcheck", ROOT / script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
