"""What the alerts fire for, and what not. Each case: the series, by the minute, and the alerts that fire at some minutes, by their labels."""

REQUESTS = 'ssoferry_requests_total{{job="ssoferry",instance="a",route="{route}",decision="{decision}",status="{status}"}}'
UNKNOWN = 'ssoferry_unknown_identifiers_total{job="ssoferry",instance="a",route="/a"}'
ALL = None  # as an alert's name: of whatever name


def requests(decision, status, values, route="/a"):
    return {REQUESTS.format(route=route, decision=decision, status=status): values}


def up(instance, values):
    return {f'up{{job="ssoferry",instance="{instance}"}}': values}


def unusable(reason, values):
    return {f'ssoferry_table_unusable_rows{{job="ssoferry",instance="a",reason="{reason}"}}': values}


def checksum(instance, values, namespace=""):
    return {f'ssoferry_table_checksum{{job="ssoferry",namespace="{namespace}",instance="{instance}"}}': values}


def table(instance, revision, namespace="", **rows):
    labels = f'job="ssoferry",namespace="{namespace}",instance="{instance}"'
    states = {f'ssoferry_table_connections{{{labels},state="{state}"}}': f"{count}x60" for state, count in rows.items()}
    return {f"ssoferry_table_revision{{{labels}}}": f"{revision}x60", **states}


def configuration(values):
    return {'ssoferry_configuration_current{job="ssoferry",instance="a"}': values}


def ready(instance, values):
    return {f'ssoferry_ready{{job="ssoferry",instance="{instance}"}}': values}


def readable(values):
    return {'ssoferry_table_readable{job="ssoferry",instance="a"}': values}


def connections(event, values):
    return {f'ssoferry_client_connections_{event}_total{{job="ssoferry",instance="a"}}': values}


A = {"job": "ssoferry", "instance": "a"}
JOB = {"job": "ssoferry"}
DIFFER = ("SsoferryTablesDiffer", "SsoferryRevisionsDiffer")

CASES = {
    "two nodes that serve": (
        up("a", "1x60") | up("b", "1x60") | ready("a", "1x60") | readable("1x60") | requests("stytch", 307, "0+10x60") | requests("loop", 508, "0x60") | requests("unavailable", 503, "0x60")
        | requests("disabled", 410, "0x60") | {UNKNOWN: "0x60"} | configuration("1x60") | unusable("url", "0x60") | checksum("a", "7x60") | checksum("b", "7x60") | table("a", 3, stytch=1, legacy=7) | table("b", 3, stytch=1, legacy=7),
        {(50, ALL): []}),
    "a target that does not answer": (up("a", "1x5 0x20"), {(20, "SsoferryDown"): [A], (20, "SsoferryGone"): []}),
    "a target that is gone": (up("a", "1x5 _x30"), {(20, "SsoferryGone"): [JOB]}),
    "the first loop": (requests("loop", 508, "0x10 1x20"), {(10, "SsoferryLoop"): [], (12, "SsoferryLoop"): [A | {"route": "/a"}]}),
    "a customer who gets 503 every ten minutes": (
        requests("unavailable", 503, "0x9 1x9 2x9 3x9 4x60"),
        {(9, "SsoferryUnavailableAnswers"): [], (12, "SsoferryUnavailableAnswers"): [A | {"route": "/a"}],
         (29, "SsoferryUnavailableAnswers"): [A | {"route": "/a"}], (60, "SsoferryUnavailableAnswers"): []}),
    "a customer who was retired, and comes": (
        requests("disabled", 410, "0x10 1x90"),
        {(10, "SsoferryDisabledRowUsed"): [], (12, "SsoferryDisabledRowUsed"): [A | {"route": "/a"}],
         (60, "SsoferryDisabledRowUsed"): [A | {"route": "/a"}], (80, "SsoferryDisabledRowUsed"): []}),
    "a customer whose message is too large": (
        requests("stytch", 307, "0+100x120") | requests("too_large", 413, "0x10 1x110"),
        {(9, "SsoferryTooLarge"): [], (12, "SsoferryTooLarge"): [A | {"route": "/a"}], (60, "SsoferryTooLarge"): [A | {"route": "/a"}], (80, "SsoferryTooLarge"): []}),
    "a customer whose message is too large, once an hour and a half": (
        requests("too_large", 413, "0x10 1x90 2x90"), {(12, "SsoferryTooLarge"): [A | {"route": "/a"}], (80, "SsoferryTooLarge"): [], (103, "SsoferryTooLarge"): [A | {"route": "/a"}]}),
    "addresses that are too long, of a customer": (requests("too_large", 414, "0+1x120", route="none"), {(60, "SsoferryTooLarge"): [A | {"route": "none"}]}),
    "addresses that are too long, of a scanner that goes on": (requests("too_large", 414, "0x10 10x110", route="none"), {(minute, "SsoferryTooLarge"): [] for minute in (12, 60)}),
    "broken messages of a customer's identity provider": (
        requests("stytch", 307, "0+100x120") | requests("malformed", 400, "0+30x120") | requests("malformed", 400, "0+600x120", route="none"),
        {(60, "SsoferryMalformedSignIns"): [A | {"route": "/a"}]}),
    "pages that are loaded again, at night": (requests("stytch", 307, "0x30 1x60") | requests("malformed", 400, "0x20 2x10 4x60"), {(minute, "SsoferryMalformedSignIns"): [] for minute in (25, 40)}),
    "large requests that find no memory": (
        connections("without_memory", "0x10 1x60"), {(10, "SsoferryMemoryLimit"): [], (12, "SsoferryMemoryLimit"): [A], (30, "SsoferryMemoryLimit"): []}),
    "a balancer without PROXY headers": (
        connections("accepted", "0+1000x60") | connections("without_proxy_header", "0+1000x60"), {(5, "SsoferryNoProxyHeader"): [], (30, "SsoferryNoProxyHeader"): [A]}),
    "health checks without a PROXY header, at night": (connections("accepted", "0+35x60") | connections("without_proxy_header", "0+30x60"), {(50, "SsoferryNoProxyHeader"): []}),
    "a scanner without a PROXY header, by day": (connections("accepted", "0+1000x60") | connections("without_proxy_header", "0+200x60"), {(50, "SsoferryNoProxyHeader"): []}),
    "unknown identifiers in a rehearsal, which sends them to the legacy side, as what no route takes": (
        requests("legacy", 307, "0+10x60") | requests("legacy", 307, "0+1000x60", route="none") | requests("unknown", 404, "0x60") | {UNKNOWN: "0+1x60"},
        {(50, "SsoferryUnknownIdentifiers"): [A]}),
    "unknown identifiers in requests that are refused for their method, one in fifty": (
        requests("method", 405, "0+48x60") | requests("stytch", 307, "0+1x60") | {UNKNOWN: "0+1x60"}, {(50, "SsoferryUnknownIdentifiers"): []}),
    "unknown identifiers, one in fifty": (
        requests("stytch", 307, "0+49x60") | requests("unknown", 404, "0+1x60") | {UNKNOWN: "0+1x60"}, {(50, "SsoferryUnknownIdentifiers"): []}),
    "rows that a new configuration does not allow": (
        unusable("url", "0x9 3x20") | unusable("no_legacy_url", "0x30"),
        {(12, "SsoferryUnusableRows"): [], (20, "SsoferryUnusableRows"): [A | {"reason": "url"}]}),
    "rows that cannot be looked through, of one that is ready": (
        ready("a", "1x60") | readable("1x60") | unusable("url", "0x9 _x20 0x30") | ready("b", "0x60"),
        {(9, "SsoferryRowsNotChecked"): [], (28, "SsoferryRowsNotChecked"): [A], (40, "SsoferryRowsNotChecked"): []}),
    "a table that cannot be read, in a rehearsal, which is ready without": (
        ready("a", "1x60") | readable("1x9 0x20 1x30") | unusable("url", "0x60"),
        {(9, "SsoferryRowsNotChecked"): [], (28, "SsoferryRowsNotChecked"): [A], (40, "SsoferryRowsNotChecked"): []}),
    "a reload that was refused": (
        configuration("1x4 0x20 1x20"),
        {(12, "SsoferryConfigurationNotTaken"): [], (20, "SsoferryConfigurationNotTaken"): [A], (40, "SsoferryConfigurationNotTaken"): []}),
    "as many rows, one of them another": (
        table("a", 3, stytch=7) | table("b", 3, stytch=7) | checksum("a", "7x60") | checksum("b", "7x5 8x55"),
        {(5, DIFFER[0]): [], (30, DIFFER[0]): [JOB], (30, DIFFER[1]): []}),
    "as many rows, one of them another for a while": (checksum("a", "7x60") | checksum("b", "7x5 8x8 7x40"), {(minute, DIFFER[0]): [] for minute in (12, 30)}),
    "a node that was left out": (table("a", 4, stytch=1) | table("b", 3, stytch=1), {(30, DIFFER[0]): [], (30, DIFFER[1]): [JOB]}),
    "other rows under the same number": (table("a", 1, stytch=7, legacy=1) | table("b", 1, stytch=5, legacy=3),
                                         {(5, DIFFER[0]): [], (30, DIFFER[0]): [JOB], (30, DIFFER[1]): []}),
    "staging beside production": (table("a", 7, "production", stytch=7) | table("b", 3, "staging", stytch=2)
                                  | checksum("a", "7x60", "production") | checksum("b", "8x60", "staging"), {(30, each): [] for each in DIFFER}),
    "two that differ in production": (table("a", 7, "production", stytch=7) | table("b", 3, "production", stytch=2) | table("c", 9, "staging", stytch=1),
                                      {(30, each): [JOB | {"namespace": "production"}] for each in DIFFER}),
}
