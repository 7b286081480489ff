"""Other servers with the same rows: nginx, HAProxy, Caddy, and Express as in Stytch's guide.

Each only finds the row and redirects, with the settings that suit it best; none looks into what it redirects."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import rows
import traffic
from servers import PATIENCE, ROOT, TLS_SUITE, Failed, Server, free_port

UNPACKED = ROOT / "build/bench/peers"  # by scripts/install-deps --peers
EXPRESS = ROOT / "build/bench/express"


def program(name):
    """The path of a peer's program; None if it is not there."""
    places = [UNPACKED / "usr/sbin", UNPACKED / "usr/bin", *map(Path, os.get_exec_path()), Path("/usr/sbin")]
    return next((str(place / name) for place in places if os.access(place / name, os.X_OK)), None)


class Peer(Server):
    """A peer with its own folder. Each generation of the rows is a separate file, made once."""

    wanted = ""  # the program
    change_how = replace_how = "reload"

    def __init__(self, bench, count, log=False, threads=1, tls=False):
        super().__init__(bench, threads, tls)
        self.name = self.title + (" with its log" if log else "")
        self.count = count
        self.log = log
        self.folder = bench.work / f"{self.wanted}-{self.port}"

    @classmethod
    def installed(cls):
        return program(cls.wanted) is not None

    def row(self, number, generation):
        raise NotImplementedError

    def rows_file(self, generation):
        path = self.bench.work / f"{self.wanted}-{self.count}-{generation}.rows"
        return rows.written(path, (self.row(number, generation) for number in range(self.count)))

    def use_rows(self, generation):
        """Atomically points the name in the configuration to the rows of a generation."""
        (self.folder / "next").symlink_to(self.rows_file(generation))
        (self.folder / "next").replace(self.folder / "rows")

    def configure(self):
        """Writes the configuration into the folder."""

    def prepare(self):
        self.folder.mkdir(exist_ok=True)
        self.use_rows(0)
        self.configure()

    def launch(self):
        self.prepare()
        super().launch()

    def stop(self):
        super().stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stage(self, _count, generation):
        """Puts the file of a generation in place, before replace() or change()."""
        self.use_rows(generation)

    def replace(self, _count, _generation):
        """Replaces the whole table; not all peers can tell when that is done."""
        self.reload()

    def change(self, _number, _generation):
        """Replaces one row, or all if the peer cannot replace one alone."""
        self.reload()

    def reload(self):
        raise NotImplementedError

    def write(self, name, text):
        (self.folder / name).write_text(text)


class Nginx(Peer):
    title = wanted = "nginx"
    change_how = replace_how = "reload"

    def row(self, number, generation):
        return f"{traffic.PATH}{rows.identifier(number)} {rows.location(number, generation)};\n"

    def configure(self):
        buckets = 1 << max(10, (2 * self.count - 1).bit_length())  # large enough for nginx to place all rows at its first attempt
        secure = ""
        if self.tls:
            certificate, key = self.bench.certificate()
            secure = (f"ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites {TLS_SUITE}; ssl_certificate {certificate}; ssl_certificate_key {key}; "
                      "ssl_session_cache off; ssl_session_tickets off;")
        log = "access_log access.log combined buffer=64k flush=1s;" if self.log else "access_log off;"
        self.write("nginx.conf", f"""daemon off; worker_processes {self.threads}; pid nginx.pid; error_log error.log; user {'root' if os.getuid() == 0 else 'nobody'};
events {{ worker_connections 4096; }}
http {{
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    {log} keepalive_requests 100000000; keepalive_timeout 75s; server_tokens off;
    map_hash_max_size {buckets}; map_hash_bucket_size 512;
    map $uri $location_of_row {{ include rows; }}
    server {{
        listen 127.0.0.1:{self.port} backlog=4096 {'ssl' if self.tls else ''} {'reuseport' if self.threads > 1 else ''}; {secure}
        location / {{ if ($location_of_row = "") {{ return 404; }} return 307 $location_of_row; }}
    }}
}}
""")

    def command(self):
        return [program("nginx"), "-e", "error.log", "-p", str(self.folder), "-c", "nginx.conf"]

    def reload(self):
        self.signal(signal.SIGHUP)


class HAProxy(Peer):
    title, wanted = "HAProxy", "haproxy"
    change_how = "runtime API"

    def row(self, number, generation):
        return f"{traffic.PATH}{rows.identifier(number)} {rows.location(number, generation)}\n"

    def configure(self):
        secure = ""
        if self.tls:
            both = self.folder / "both.pem"
            both.write_text("".join(path.read_text() for path in self.bench.certificate()))
            secure = f"ssl crt {both} ciphersuites {TLS_SUITE} no-tls-tickets"
        log = "log stdout format raw local0\n    option httplog" if self.log else ""
        self.write("haproxy.cfg", f"""global
    nbthread {self.threads}
    maxconn 4000
    tune.ssl.cachesize 0
    stats socket {self.folder}/admin mode 600 level admin expose-fd listeners
defaults
    mode http
    timeout client 75s
    timeout http-request 10s
    timeout connect 5s
    timeout server 5s
    {log}
frontend old-sso
    bind 127.0.0.1:{self.port} backlog 4096 {secure}
    http-request set-var(txn.location) path,map_str({self.folder}/rows)
    http-request return status 307 hdr Location %[var(txn.location)] if {{ var(txn.location) -m found }}
    http-request return status 404
""")

    def launch(self):
        if not self.log:
            return super().launch()
        self.folder.mkdir(exist_ok=True)
        with (self.folder / "access.log").open("wb") as self.output:
            return super().launch()

    def command(self):
        return [program("haproxy"), "-W", "-db", "-f", str(self.folder / "haproxy.cfg")]

    def reload(self):
        self.signal(signal.SIGUSR2)

    def change(self, number, generation):
        with socket.socket(socket.AF_UNIX) as admin:
            admin.settimeout(self.bench.patience)
            admin.connect(str(self.folder / "admin"))
            admin.sendall(f"set map {self.folder}/rows {traffic.PATH}{rows.identifier(number)} {rows.location(number, generation)}\n".encode())
            answer = admin.recv(4096).decode().strip()
        if answer:
            raise Failed(f"HAProxy's runtime API: {answer}")


class Caddy(Peer):
    title = "Caddy"
    wanted = "caddy"
    start_timeout = PATIENCE
    SLOW_ROWS = 10_000  # its map is a list that each request walks

    def __init__(self, bench, count, log=False, threads=1, tls=False):
        super().__init__(bench, count, log, threads, tls)
        self.admin = free_port()
        self.slow = count > self.SLOW_ROWS
        self.connections = 2 if self.slow else self.connections

    def row(self, number, generation):
        comma = "" if number == 0 else ","
        return comma + json.dumps({"input": traffic.PATH + rows.identifier(number), "outputs": [rows.location(number, generation)]}) + "\n"

    def configure(self):
        mapping = {"handler": "map", "source": "{http.request.uri.path}", "destinations": ["{location}"], "defaults": [""], "mappings": "ROWS"}
        found = {"match": [{"not": [{"vars": {"{location}": [""]}}]}],
                 "handle": [{"handler": "static_response", "status_code": 307, "headers": {"Location": ["{location}"]}}]}
        server = {"listen": [f"127.0.0.1:{self.port}"], "automatic_https": {"disable": True}, "protocols": ["h1"],
                  "routes": [{"handle": [mapping]}, found, {"handle": [{"handler": "static_response", "status_code": 404}]}]}
        settings = {"admin": {"listen": f"127.0.0.1:{self.admin}", "config": {"persist": False}}, "apps": {"http": {"servers": {"old-sso": server}}}}
        if self.tls:
            certificate, key = map(str, self.bench.certificate())
            server["tls_connection_policies"] = [{}]
            settings["apps"]["tls"] = {"certificates": {"load_files": [{"certificate": certificate, "key": key}]}}
        before, after = json.dumps(settings).split('"ROWS"')
        with (self.folder / "caddy.json").open("wb") as out:
            out.write(f"{before}[".encode())
            with (self.folder / "rows").open("rb") as mappings:
                shutil.copyfileobj(mappings, out)
            out.write(f"]{after}".encode())

    def command(self):
        return ["env", f"HOME={self.folder}", f"GOMAXPROCS={self.threads}", program("caddy"), "run", "--config", str(self.folder / "caddy.json")]

    def use_rows(self, generation):
        super().use_rows(generation)
        self.configure()

    def prepare(self):
        self.folder.mkdir(exist_ok=True)
        self.use_rows(0)

    def reload(self):
        self.bench.run_beside(["env", f"HOME={self.folder}", program("caddy"), "reload", "--config", str(self.folder / "caddy.json"), "--address",
                               f"127.0.0.1:{self.admin}"])


class Express(Peer):
    title = "Express"
    wanted = "node"
    change_how = replace_how = "restart"

    @classmethod
    def installed(cls):
        return program("node") is not None and (EXPRESS / "node_modules/express").exists()

    def row(self, number, generation):
        return f"{rows.identifier(number)}\t{rows.connection_id(number, generation)}\n"

    def command(self):
        return ["env", f"NODE_PATH={EXPRESS}/node_modules", "NODE_ENV=production", program("node"), str(ROOT / "tests/bench/express/server.js"),
                str(self.port), str(self.folder / "rows")]

    def reload(self):
        self.process.terminate()
        self.process.wait(self.bench.patience)
        self.process = subprocess.Popen(self.bench.pinned(self.cores(), self.command()), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)


PEERS = (Nginx, HAProxy, Caddy, Express)


def installed():
    return [peer for peer in PEERS if peer.installed()]


def versions():
    """Describes the peers in one line."""
    commands = {"nginx": ("-v", r"nginx/(\S+)"), "haproxy": ("-v", r"version (\S+)"), "caddy": ("version", r"v?(\S+)"), "node": ("--version", r"v(\S+)")}
    said = []
    for name, (option, pattern) in commands.items():
        if program(name):
            done = subprocess.run([program(name), option], capture_output=True, text=True, timeout=PATIENCE)
            found = re.search(pattern, done.stdout + done.stderr)
            said.append(f"{name} {found.group(1) if found else 'unknown'}")
    package = EXPRESS / "node_modules/express/package.json"
    return ", ".join([*said, *([f"express {json.loads(package.read_text())['version']}"] if package.exists() else [])]) or "none"


def wait_for(server, number, generation):
    """Requests a row, each time over a new connection, until it has this generation's Location."""
    def is_shown():
        server.check_running()
        try:
            return server.ask("GET", traffic.PATH + rows.identifier(number)) == (307, rows.location(number, generation))
        except (OSError, http.client.HTTPException):
            return False

    server.bench.wait_until(is_shown, f"{server.name} does not show generation {generation} of its rows")
