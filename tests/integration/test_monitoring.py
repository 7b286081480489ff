"""The alerts and the dashboard speak only of metrics that the daemon has."""
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

import wire
from cutover import CONNECTION_ID
from ports import free_port

MONITORING = Path(__file__).parents[2] / "config" / "monitoring"
RULES = MONITORING / "ssoferry.rules.yaml"
DASHBOARD = MONITORING / "grafana-dashboard.json"


def rule_expressions():
    return [rule["expr"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def dashboard_expressions():
    return [target["expr"] for panel in json.loads(DASHBOARD.read_text())["panels"] for target in panel["targets"]]


@pytest.fixture(scope="module")
def metrics(make_shared_gateway, authority, tmp_path_factory):
    port = free_port()
    pair = authority.issue(tmp_path_factory.mktemp("tls"), "sso.example.com")
    gateway = make_shared_gateway(admin={"address": f"127.0.0.1:{port}"})
    secure = {"address": f"127.0.0.1:{free_port()}", "certificate": str(pair.certificate), "key": str(pair.key)}
    gateway.configure(listen=[*gateway.config["listen"], secure])
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()
    gateway.get("/old-sso/acme")
    text = wire.exchange(("127.0.0.1", port), wire.request_bytes("GET", "/metrics", f"127.0.0.1:{port}", (), b"")).text
    return {re.match(r"[a-z_]+", line)[0] for line in text.splitlines() if not line.startswith("#")}


def test_promtool_accepts_the_rules():
    result = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("expressions", [rule_expressions, dashboard_expressions])
def test_every_metric_is_there(metrics, expressions):
    named = {name for expression in expressions() for name in re.findall(r"ssoferry_[a-z_]+", expression)}
    assert named and named <= metrics, named - metrics


def test_the_dashboard_shows_every_metric(metrics):
    shown = {name for expression in dashboard_expressions() for name in re.findall(r"ssoferry_[a-z_]+", expression)}
    unshown = {name for name in metrics if not any(name.startswith(other.removesuffix("_bucket")) for other in shown)}
    assert unshown <= {"ssoferry_build_info", "ssoferry_table_readable", "ssoferry_table_in_place", "ssoferry_health_checks_total"}


def test_every_label_that_is_asked_for_is_one_the_daemon_gives():
    given = {"instance", "state", "route", "decision", "status", "le", "job", "names"}
    for expression in rule_expressions() + dashboard_expressions():
        assert set(re.findall(r"([a-z_]+)=~?\"", expression)) <= given
        for labels in re.findall(r"by \(([^)]*)\)", expression):
            assert set(re.split(r",\s*", labels)) <= given
