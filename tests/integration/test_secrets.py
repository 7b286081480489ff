"""What must never be written down is sent through every kind of answer, and looked for in everything that the programs leave behind."""
from base64 import b64encode

import pytest

import wire
from cutover import CONNECTION_ID, OTHER_CONNECTION_ID
from sign_ins import form, redirect_binding_query

MARK = "S3cretMark"


@pytest.fixture
def gateway(make_gateway):
    gateway = make_gateway(
        legacy={"allowed_hosts": ["legacy.example.net"]}, limits={"body": "64KiB"},
        routes=[{"match": "/old-sso/{identifier}"},
                {"match": "/by-issuer", "identify_by": "issuer"},
                {"match": "/by-relay-state", "identify_by": "relay_state"},
                {"match": "/in-flight/{identifier}", "legacy_relay_states": ["old-"], "legacy_url": "https://legacy.example.net/acs"},
                {"match": "/by-query?connection={identifier}"},
                {"match": "/observed/{identifier}", "observe": True, "legacy_url": "https://legacy.example.net/acs"}])
    gateway.load({
        "acme": CONNECTION_ID,
        "seen": {"connection_id": OTHER_CONNECTION_ID, "redirect": 303},
        "framed": {"connection_id": OTHER_CONNECTION_ID, "redirect": "form"},
        "paused": {"connection_id": OTHER_CONNECTION_ID, "state": "disabled"},
        "moving": {"state": "legacy", "legacy_url": "https://legacy.example.net/acs"},
        "https://idp.example.com/": CONNECTION_ID,
    })
    return gateway


XML = (f'<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns="urn:oasis:names:tc:SAML:2.0:assertion" ID="{MARK}">'
       f'<Issuer>https://idp.example.com/</Issuer><Assertion><Subject>{MARK}</Subject></Assertion></p:Response>')
BROKEN = [XML[:-20], XML.replace("<Issuer>", f"<Issuer {MARK}>"), XML.replace("<Issuer>", f"&{MARK};<Issuer>"),
          f'<!DOCTYPE x [<!ENTITY e "{MARK}">]>' + XML, f"<{MARK}>" + XML, XML.replace("</Issuer>", f"</Issuer><Issuer>{MARK}</Issuer>"),
          XML.replace("urn:oasis:names:tc:SAML:2.0:protocol", f"urn:{MARK}"), f"{MARK}<<<"]

FIELDS = {
    "first": MARK,  # where a log line that is cut short would still show it
    "SAMLResponse": b64encode(XML.encode()).decode() + MARK,
    "RelayState": f"{MARK}-relay-state",
}
SECRET_HEADERS = [("Cookie", f"session={MARK}"), ("Authorization", f"Bearer {MARK}"), ("Referer", f"https://idp.example.com/?{MARK}"),
                  ("Origin", f"https://{MARK}.example.com"), ("User-Agent", MARK), ("X-Request-Id", f"{MARK} not sane")]

TARGETS = ["/old-sso/acme", "/old-sso/seen", "/old-sso/framed", "/old-sso/paused", "/old-sso/moving", "/old-sso/nobody", "/", "/old-sso/%zz",
           "/by-issuer", "/by-relay-state", "/in-flight/acme", "/by-query?connection=acme", "/by-query?connection=%zz", "/observed/acme", "/healthz"]


def test_nothing_secret_is_written_anywhere(gateway):
    gateway.start()
    statuses = set()
    query = form(FIELDS).decode()
    for target in TARGETS:
        target += ("&" if "?" in target else "?") + query
        for method, body in [("POST", form(FIELDS)), ("POST", MARK.encode()), ("GET", b""), ("HEAD", b""), ("PUT", MARK.encode())]:
            content_type = [("Content-Type", "application/x-www-form-urlencoded")] if b"SAMLResponse" in body else []
            statuses.add(gateway.request(method, target, content_type + SECRET_HEADERS, body).status)
        statuses.add(gateway.post(target, b"x=" + MARK.encode() * 10_000, SECRET_HEADERS).status)
    for xml in (XML, *BROKEN):
        message = b64encode(xml.encode()).decode()
        for fields in ({"SAMLResponse": message}, {"SAMLResponse": message + "!" + MARK}, {"SAMLResponse": message, "RelayState": f"old-{MARK}"}):
            statuses.add(gateway.post("/by-issuer", form(fields), SECRET_HEADERS).status)
            gateway.post("/in-flight/acme", form(fields), SECRET_HEADERS)
        statuses.add(gateway.get("/by-issuer?" + redirect_binding_query(xml, MARK), SECRET_HEADERS).status)
    for broken in (f"GET /old-sso/acme?{MARK} HTTP/1.1\r\nHost: x\r\nno colon {MARK}\r\n\r\n", f"{MARK}\r\n\r\n",
                   f"POST /old-sso/acme HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{MARK}\r\n"):
        gateway.raw(broken.encode())
    with gateway.connect() as connection:  # goes away in the middle of its message
        connection.send(wire.request_bytes("POST", "/old-sso/acme", "localhost", [("Content-Length", "1000")], MARK.encode()))
    gateway.store_file.replace_record("acme", b"\xff")
    statuses.add(gateway.post("/old-sso/acme?" + query, form(FIELDS), SECRET_HEADERS).status)
    gateway.stop()

    assert statuses == {200, 303, 307, 400, 404, 405, 410, 413, 503}
    assert len(gateway.requests()) > 100
    left_behind = {"stdout": gateway.stdout.encode(), "stderr": gateway.stderr.encode()}
    left_behind |= {path.name: path.read_bytes() for path in gateway.store.parent.iterdir()}
    assert gateway.store.name in left_behind
    for name, content in left_behind.items():
        for secret in (MARK, MARK.lower(), *map(in_base64, range(3))):
            assert secret.encode() not in content, f"{secret} stands in {name}: {around(content, secret.encode())}"


def in_base64(offset):
    """What stands for all of MARK's whole characters, wherever in a message it is."""
    return b64encode(b"-" * offset + MARK.encode()).decode()[(offset * 4 + 2) // 3:(offset + len(MARK)) * 8 // 6]


def around(content, secret):
    at = content.index(secret)
    return content[max(0, at - 200):at + 100]
