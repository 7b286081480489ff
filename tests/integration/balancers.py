"""nginx, HAProxy and Caddy in front of gateways, by the samples of config/balancers with other addresses, and nginx in front of the old system, by the one in
docs/legacy-systems.md. `scripts/install-deps --peers` unpacks them."""
import os
import re
import subprocess
import time
from pathlib import Path

from output import Output
from ports import free_port
from programs import ROOT

SAMPLES = ROOT / "config/balancers"
UNPACKED = ROOT / "build/bench/peers"
NODES = ("10.20.1.11", "10.20.1.12")
START_TIMEOUT = 20  # seconds


def find(*places):
    """The first that is there: where it was unpacked, or where Debian installs it."""
    candidates = [root / place for place in places for root in (UNPACKED, Path("/"))]
    return next((path for path in candidates if path.exists()), candidates[-1])


class Balancer:
    """In front of `nodes`, (host, port) each, with the certificate `pair` of localhost."""

    sample = None
    speaks_http = True  # else it hands TLS through
    holds_posts = True  # until it knows of a node that is healthy; else it answers them with 503

    def __init__(self, directory, nodes, pair):
        self.directory, self.pair = directory, pair
        self.port = free_port()
        self._nodes = nodes
        self._process = None
        directory.mkdir()

    def text(self):
        return (SAMPLES / self.sample).read_text()

    def sampled(self, replaced):
        """The sample, with other words in the place of those that are of a site."""
        text = self.text()
        for old, new in {**self.nodes(), **replaced}.items():
            assert old in text, f"{self.sample} has no {old}"
            text = text.replace(old, new)
        return text

    def nodes(self):
        port = "8080" if self.speaks_http else "8443"
        return {f"{name}:{port}": f"{host}:{node_port}" for name, (host, node_port) in zip(NODES, self._nodes)}

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path

    def start(self):
        check, command = self.commands()
        environment = {**os.environ, "HOME": str(self.directory), "XDG_DATA_HOME": str(self.directory), "XDG_CONFIG_HOME": str(self.directory)}
        done = subprocess.run([*map(str, check)], capture_output=True, text=True, env=environment, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        self._process = subprocess.Popen([*map(str, command)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
        self._output = Output(os.dup(self._process.stdout.fileno()))
        self._process.stdout.close()
        deadline = time.monotonic() + START_TIMEOUT
        while not self._answers():
            assert time.monotonic() < deadline and self._process.poll() is None, self.said
            time.sleep(0.05)
        return self

    def stop(self):
        if self._process:
            self._process.terminate()
            self._process.wait(20)
            self._output.join(10)

    @property
    def origin(self):
        return f"https://localhost:{self.port}"

    @property
    def said(self):
        return b"".join(self._output.look()).decode("utf-8", "replace")

    def ask(self, path, *options):
        """curl's request: (status, version of HTTP)."""
        command = ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code} %{http_version}", "--max-time", "20", *map(str, options), self.origin + path]
        status, version = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout.split()
        return int(status), version

    def _answers(self):
        return self.ask("/healthz") == (200, "2" if self.speaks_http else "1.1")


class Nginx(Balancer):
    sample = "nginx.conf"
    program = find("usr/sbin/nginx")

    def site(self):
        replaced = {"/var/log/nginx/sso.log": f"{self.directory}/sso.log", "443 ssl": f"127.0.0.1:{self.port} ssl", "/etc/nginx/tls/fullchain.pem": str(self.pair.certificate), "/etc/nginx/tls/privkey.pem": str(self.pair.key)}
        return self.in_http(replaced)

    def in_http(self, replaced):
        """The sample inside the rest of Debian's nginx.conf, as far as that matters here."""
        paths = "".join(f"{kind}_temp_path {self.directory}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return f"http {{ access_log {self.directory}/access.log; {paths}\n{self.sampled(replaced)}}}\n"

    def commands(self):
        user = "user root; " if os.geteuid() == 0 else ""
        file = self.write("nginx.conf", f"{user}daemon off; pid {self.directory}/pid; error_log stderr warn;\n{self.site()}\nevents {{}}\n")
        command = [self.program, "-e", "stderr", "-c", file]
        return [*command, "-t"], command


class NginxStream(Nginx):
    sample = "nginx-stream.conf"
    speaks_http = False
    module = find("usr/lib/nginx/modules/ngx_stream_module.so")

    def site(self):
        return self.sampled({"listen 443": f"listen 127.0.0.1:{self.port}"})

    def commands(self):
        check, command = super().commands()
        load = ["-g", f"load_module {self.module};"]
        return [*check, *load], [*command, *load]


class SecondName(Nginx):
    """In front of the old system, which is the one node, by TLS."""

    sample = "docs/legacy-systems.md"

    def text(self):
        section = (ROOT / self.sample).read_text().split("\n## The old system's second name\n")[1].split("\n## ")[0]
        return re.search(r"```\n(.*?)```", section, re.DOTALL)[1]

    def nodes(self):
        [(host, port)] = self._nodes
        return {"10.20.1.20": f"{host}:{port}"}

    def site(self):
        pair = f"ssl_certificate {self.pair.certificate}; ssl_certificate_key {self.pair.key};"
        return self.in_http({"/var/log/nginx/legacy.log": f"{self.directory}/legacy.log", "443 ssl": f"127.0.0.1:{self.port} ssl",
                             "# ssl_certificate, ssl_certificate_key": pair})

    def _answers(self):
        return self.ask("/")[0] == 200


class HAProxy(Balancer):
    sample = "haproxy.cfg"
    program = find("usr/sbin/haproxy")

    def commands(self):
        pair = self.write("sso.pem", self.pair.certificate.read_text() + self.pair.key.read_text())
        file = self.write("haproxy.cfg", self.sampled({"bind :443": f"bind 127.0.0.1:{self.port}", "/etc/haproxy/sso.pem": str(pair)}))
        return [self.program, "-c", "-f", file], [self.program, "-f", file]


class Caddy(Balancer):
    sample = "Caddyfile"
    holds_posts = False
    program = find("usr/bin/caddy")

    def commands(self):
        site = f"https://localhost:{self.port} {{\n\ttls {self.pair.certificate} {self.pair.key}"
        file = self.write("Caddyfile", self.sampled({"\n{\n": "\n{\n\tadmin off\n\tauto_https off\n", "sso.example.com {": site}))
        words = ["--adapter", "caddyfile", "--config", file]
        return [self.program, "validate", *words], [self.program, "run", *words]


BALANCERS = [Nginx, NginxStream, HAProxy, Caddy]
