"""The alerts and the dashboard speak only of metrics that the daemon has."""
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

import alerts
import wire
from cutover import CONNECTION_ID
from ports import free_port

MONITORING = Path(__file__).parents[2] / "config" / "monitoring"
RULES = MONITORING / "ssoferry.rules.yaml"
DASHBOARD = MONITORING / "grafana-dashboard.json"
TIMEOUT = 240  # seconds; promtool takes two of a processor, which it may have to share with many


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
    gateway.configure(listen=[*gateway.config["listen"], secure], observe=True, legacy={"allowed_hosts": ["legacy.example.com"]},
                      routes=[{"match": "/old-sso/{identifier}", "legacy_url": "https://legacy.example.com/{identifier}"}])
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()
    gateway.get("/old-sso/acme")

    def scrape():
        text = wire.exchange(("127.0.0.1", port), wire.request_bytes("GET", "/metrics", f"127.0.0.1:{port}", (), b"")).text
        return text if "ssoferry_table_checksum" in text else None  # it comes when the rows have been looked through

    text = gateway.wait_for(scrape)
    return {re.match(r"[a-z_]+", line)[0] for line in text.splitlines() if not line.startswith("#")}


def test_promtool_accepts_the_rules():
    result = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, text=True, timeout=TIMEOUT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("pods", [False, True])
def test_promtool_accepts_the_jobs(pods, tmp_path):
    """As they stand, and with the pods in place of the hosts; but Debian's promtool knows no Kubernetes."""
    text = (MONITORING / "prometheus.yaml").read_text()
    if pods:
        text = re.sub(r"(?m)^  # (?=[ -])", "  ", re.sub(r"(?s)  # Hosts.*?(?=  # Kubernetes)", "", text))
    jobs = yaml.safe_load(text)["scrape_configs"]
    assert [(job["job_name"], "kubernetes_sd_configs" in job) for job in jobs] == [("ssoferry", pods)]
    (tmp_path / "prometheus.yaml").write_text(text.replace("kubernetes_sd_configs:\n      - role: pod", "static_configs: []"))
    (tmp_path / RULES.name).write_text(RULES.read_text())
    result = subprocess.run(["promtool", "check", "config", tmp_path / "prometheus.yaml"], capture_output=True, text=True, timeout=TIMEOUT)
    assert result.returncode == 0, result.stdout + result.stderr


def test_alerts_fire_for_what_they_are_for(tmp_path):
    """promtool compares annotations as well, word by word, so it gets the rules without."""
    rules = yaml.safe_load(RULES.read_text())
    own = {rule["alert"]: rule["labels"] for group in rules["groups"] for rule in group["rules"] if rule.pop("annotations")}

    def expectation(minute, name, fired):
        return {"eval_time": f"{minute}m", "alertname": name, "exp_alerts": [{"exp_labels": own[name] | labels} for labels in fired]}

    tests = [{"name": name, "interval": "1m",
              "input_series": [{"series": each, "values": values} for each, values in series.items()],
              "alert_rule_test": [expectation(minute, each, labels) for (minute, alert), labels in fired.items() for each in ([alert] if alert else own)]}
             for name, (series, fired) in alerts.CASES.items()]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules))
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests}))
    result = subprocess.run(["promtool", "test", "rules", tmp_path / "tests.yaml"], capture_output=True, text=True, timeout=TIMEOUT)
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
    given = {"instance", "namespace", "state", "route", "decision", "would", "status", "le", "job", "names", "reason"}
    for expression in rule_expressions() + dashboard_expressions():
        assert set(re.findall(r"([a-z_]+)=~?\"", expression)) <= given
        for labels in re.findall(r"by \(([^)]*)\)", expression):
            assert set(re.split(r",\s*", labels)) <= given
