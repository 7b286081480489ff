"""balancers.py SSOFERRYD: the samples of config/balancers leave room for whatever the daemon takes and answers, so that it is the daemon which refuses
what is too large, and its log that says for whom; and their times fit its own."""
import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path("config/balancers")
UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "KiB": 1 << 10, "MiB": 1 << 20, "ms": 0.001, "s": 1}
LINE = 64  # of a request or an answer, beside the URL in it
HEAD = 1024  # of an answer, beside its Location; HAProxy keeps as much of its buffer for fields of its own
faults = []


def number(text):
    digits, unit = re.fullmatch(r"(\d+)([A-Za-z]*)", text).groups()
    return int(digits) * UNITS[unit]


def expect(file, name, is_good, why):
    """Of all figures that a setting has in a sample, wherever it stands there."""
    text = re.sub(r"#.*", "", (FOLDER / file).read_text())
    found = re.findall(rf"(?<!\S){re.escape(name)}[ =](\d\w*(?: \d\w*)*)", text)
    if not found:
        faults.append(f"{FOLDER / file}: no {name}: this check no longer fits it")
    for words in found:
        if not is_good(*(number(word) for word in words.split())):
            faults.append(f"{FOLDER / file}: {name} {words} is {why}")


listed = subprocess.run([sys.argv[1], "--list-keys"], check=True, capture_output=True, text=True).stdout
defaults = {line.split("\t")[0]: line.split("\t")[2] for line in listed.splitlines()}
URI, TAKEN, BODY = (number(defaults[f"limits.{name}"]) for name in ("uri", "head", "body"))
IDLE, DRAIN = number(defaults["limits.idle_time"]), number(defaults["drain.delay"])
ARRIVES = number(defaults["limits.request_time"])
URL = int(re.search(r"\bURL_SIZE_MAX = (\d+)", Path("include/ssoferry/url.h").read_text())[1])
ANSWER = URI + URL + HEAD  # whose Location repeats the query behind a row's URL

CHECKS = [
    ("nginx.conf", "large_client_header_buffers", lambda count, size: size >= URI + LINE and count * size > TAKEN, "no room for limits.uri and limits.head"),
    ("nginx.conf", "client_max_body_size", lambda size: size > BODY, "not more than limits.body"),
    ("nginx.conf", "proxy_buffer_size", lambda size: size >= ANSWER, "no room for a Location"),
    ("nginx.conf", "keepalive_timeout", lambda time: time < IDLE, "not less than limits.idle_time"),
    ("nginx.conf", "fail_timeout", lambda time: time < DRAIN, "not less than drain.delay"),
    ("nginx-stream.conf", "fail_timeout", lambda time: time < DRAIN, "not less than drain.delay"),
    ("nginx-stream.conf", "proxy_timeout", lambda time: time < IDLE, "not less than limits.idle_time"),
    ("haproxy.cfg", "tune.bufsize", lambda size: size > HEAD + max(TAKEN, ANSWER), "no room for limits.head and a Location"),
    ("haproxy.cfg", "timeout server", lambda time: time > ARRIVES, "not more than limits.request_time"),
    ("haproxy.cfg", "inter", lambda time: 2 * time < DRAIN, "not half of drain.delay"),
    ("haproxy.cfg", "fall", lambda checks: checks == 2, "not 2, which inter is for"),
    ("haproxy.cfg", "rise", lambda checks: checks == 1, "not 1: the next node would be gone before this one is back"),
    ("Caddyfile", "keepalive", lambda time: time < IDLE, "not less than limits.idle_time"),
    ("Caddyfile", "health_interval", lambda time: time < DRAIN, "not less than drain.delay"),
]
for check in CHECKS:
    expect(*check)

print("\n".join(faults))
sys.exit(bool(faults))
