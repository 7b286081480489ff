"""`redirect: form`: the page that posts the same fields again, for IdPs whose Content-Security-Policy stops redirects."""
import base64
import contextlib
import hashlib
import re
import resource
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from cutover import CONNECTION_ID, OTHER_CONNECTION_ID
from programs import is_sanitized, run
from sign_ins import USER, form
from test_sign_in import RELAY_STATES, SIZES, as_sent_directly
from web_server import Reply, WebServer

FORM_PATH = "/framed/acme"


@pytest.fixture(scope="module")
def started(make_cutover):
    cutover = make_cutover(old_path=FORM_PATH, routes=[{"match": "/old-sso/{identifier}"}, {"match": "/framed/{identifier}", "redirect": "form"}])
    return cutover.start({"acme": CONNECTION_ID, "globex": {"connection_id": OTHER_CONNECTION_ID, "redirect": 307}})


def only_the_old_origin(cutover):
    return f"form-action {cutover.gateway.origin('localhost')}"


class TestAnIdpThatAllowsOnlyTheOldOrigin:
    def test_stops_the_307(self, cutover, browser):
        action = cutover.gateway.origin("localhost") + "/old-sso/acme"
        page = cutover.idp.page({"SAMLResponse": cutover.idp.message()}, action, content_security_policy=only_the_old_origin(cutover))

        browser.open(page)

        posted = cutover.gateway.wait_for(lambda: [line for line in cutover.gateway.requests() if line["route"] == "/old-sso/{identifier}"])
        assert (posted[-1]["method"], posted[-1]["status"]) == ("POST", 307), "it did reach the gateway, and was redirected"
        if browser.holds_form_action_against_redirects:
            browser.wait_for_form_stopped(action)
            assert cutover.stytch.received == [], "and nothing arrives at Stytch"
        else:
            browser.wait_for_title("Signed in")

    @pytest.mark.parametrize("size", SIZES)
    def test_lets_the_form_through(self, cutover, browser, size):
        fields = {"SAMLResponse": cutover.idp.message(SIZES[size]), "RelayState": "https://app.example.com/?a=1&b=%20+"}
        directly = as_sent_directly(cutover, browser, fields)

        browser.open(cutover.idp.page(fields, content_security_policy=only_the_old_origin(cutover)))

        assert browser.wait_for_title("Signed in") == f"Signed in as {USER}"
        assert browser.url == cutover.callback_url
        assert cutover.stytch.only_callback().body == directly.body
        assert cutover.stytch.only_callback().header("Content-Type") == directly.header("Content-Type")

    @pytest.mark.parametrize("observe", [False, True], ids=["legacy", "rehearsal"])
    def test_lets_the_form_through_to_the_old_system(self, make_cutover, browser, observe):
        """From the day on which the domain moves, and on every way back."""
        arrived = []

        def respond(received):
            arrived.append(received)
            return Reply(200, "<!doctype html><title>The old system</title>")
        with contextlib.closing(WebServer("localhost", respond)) as old:
            address = urlsplit(old.origin).netloc
            cutover = make_cutover(old_path=FORM_PATH, observe=observe, legacy={"allowed_hosts": [address]}, routes=[
                {"match": "/framed/{identifier}", "redirect": "form", "legacy_url": f"{old.origin}/acs/{{identifier}}"}])
            cutover.start({"acme": {"connection_id": CONNECTION_ID, "state": "stytch" if observe else "legacy"}})
            fields = {"SAMLResponse": cutover.idp.message(), "RelayState": "https://app.example.com/?a=1&b=%20+"}

            browser.open(cutover.idp.page(fields, content_security_policy=only_the_old_origin(cutover)))

            browser.wait_for_title("The old system")
            assert browser.url == f"{old.origin}/acs/acme"
            [got] = [got for got in arrived if got.path == "/acs/acme"]
            assert (got.method, got.form()) == ("POST", fields)

    def test_sp_initiated(self, starting_at_stytch, browser):
        cutover = starting_at_stytch
        browser.open(cutover.stytch.start_url(CONNECTION_ID) + "?RelayState=back")
        browser.wait_for_title("Signed in")
        assert cutover.stytch.sign_ins[0].in_response_to


def test_stytchs_own_redirect_to_the_application_is_not_stopped(cutover, browser):
    """Chromium checks form-action on every redirect that follows a form, also on Stytch's."""
    application = WebServer("localhost", lambda received: Reply(200, "<!doctype html><title>The application</title>"))
    cutover.stytch.application = application.origin
    try:
        browser.open(cutover.idp.page({"SAMLResponse": cutover.idp.message()}))
        browser.wait_for_title("The application")
    finally:
        cutover.stytch.application = None
        application.close()


def test_a_frame_is_no_obstacle(cutover, browser):
    """An application within a portal signs in where it is."""
    page = cutover.idp.page({"SAMLResponse": cutover.idp.message()})
    with contextlib.closing(WebServer("localhost", lambda received: Reply(200, f"<!doctype html><title>Portal</title><iframe src='{page}'></iframe>"))) as portal:
        browser.open(portal.origin)
        cutover.gateway.wait_for(lambda: cutover.stytch.sign_ins)
        assert cutover.stytch.sign_ins[0].user == USER


@pytest.mark.parametrize("name", RELAY_STATES)
def test_relay_state_arrives_as_the_browser_sent_it(cutover, browser, name):
    fields = {"SAMLResponse": cutover.idp.message(), "RelayState": RELAY_STATES[name]}
    directly = as_sent_directly(cutover, browser, fields)
    browser.open(cutover.idp.page(fields))
    browser.wait_for_title("Signed in")
    assert cutover.stytch.only_callback().body == directly.body


def test_every_other_field_is_carried_too(cutover, browser):
    """Also names that a script of ours could stumble over, and names that are no names at all."""
    fields = {"first": "1", "SAMLResponse": cutover.idp.message(), "submit": "x", "action": "https://evil.example.com/", "a b&c=d\"<>": "é\t",
              "method": "get", "target": "_blank", "elements": "", "\u00e4\U0001f600": "\u2028", "last": ""}
    directly = as_sent_directly(cutover, browser, fields)
    browser.open(cutover.idp.page(fields))
    browser.wait_for_title("Signed in")
    assert cutover.stytch.only_callback().body == directly.body


def test_query_is_carried_over(cutover, browser):
    action = cutover.service_provider.acs_url + "?tenant=a%20b&x=%22%3E<\"'"
    browser.open(cutover.idp.page({"SAMLResponse": cutover.idp.message()}, action))
    browser.wait_for_title("Signed in")
    assert cutover.stytch.only_callback().query.startswith("tenant=a%20b&x=%22%3E")
    assert cutover.stytch.only_callback().path.endswith(CONNECTION_ID)


def test_without_scripts_there_is_a_button(cutover, browser_without_scripts):
    browser = browser_without_scripts
    message = cutover.idp.message()

    browser.open(cutover.idp.page({"SAMLResponse": message, "RelayState": "a\nb"}))
    assert browser.title == "Signing in" and cutover.stytch.received == [], "no script ran on the IdP's page"
    browser.press_button()
    browser.wait_for_url(cutover.service_provider.acs_url)
    assert cutover.stytch.received == [], "nor on the gateway's"
    browser.press_button()

    assert browser.wait_for_title("Signed in") == f"Signed in as {USER}"
    assert cutover.stytch.only_callback().form() == {"SAMLResponse": message, "RelayState": "a\r\nb"}


@pytest.mark.chromium_alone  # can be told to press
def test_an_impatient_person_sends_the_message_once(cutover, browser):
    """Stytch would refuse it the second time, and the answer to the first one would be lost."""
    cutover.stytch.seconds = 2
    try:
        with browser.impatient(500):
            browser.open(cutover.idp.page({"SAMLResponse": cutover.idp.message()}))
            browser.wait_for_title("Signed in")
    finally:
        cutover.stytch.seconds = 0
    cutover.stytch.only_callback()


class _FormPage(HTMLParser):
    def __init__(self, source):
        super().__init__()
        self.forms, self.inputs, self.script, self._in_script = [], [], "", False
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        if tag == "form":
            self.forms.append(dict(attributes))
        if tag == "input":
            self.inputs.append(dict(attributes))
        self._in_script = tag == "script"

    def handle_endtag(self, tag):
        self._in_script = False

    def handle_data(self, data):
        if self._in_script:
            self.script += data


class TestPage:
    FIELDS = {"SAMLResponse": "PHg+", "RelayState": "\"><script>alert(1)</script>&amp;"}

    def test_fields(self, cutover):
        answer = cutover.post(form(self.FIELDS))
        assert (answer.status, answer.location) == (200, None)
        assert answer.header("Content-Type") == "text/html; charset=utf-8"
        page = _FormPage(answer.text)
        [attributes] = page.forms
        assert attributes["action"] == cutover.callback_url
        assert attributes["method"].lower() == "post"
        assert {field["name"]: field["value"] for field in page.inputs} == self.FIELDS
        assert all(field["type"] == "hidden" for field in page.inputs)
        assert cutover.gateway.logged(answer)["status"] == 200

    def test_security_policy(self, cutover):
        answer = cutover.post(form(self.FIELDS))
        directives = dict(part.strip().split(" ", 1) for part in answer.header("Content-Security-Policy").split(";"))
        script = base64.b64encode(hashlib.sha256(_FormPage(answer.text).script.encode()).digest()).decode()
        assert directives == {"default-src": "'none'", "script-src": f"'sha256-{script}'", "form-action": cutover.stytch.origin + " https: http://localhost:* http://127.0.0.1:*",
                              "base-uri": "'none'"}, "and it may be in a frame, as an application is that signs in there"
        assert not re.search(r"\son\w+=", answer.text), "no inline handlers, which the policy would stop"

    @pytest.mark.parametrize("method, content_type, body", [
        ("GET", None, b""), ("POST", "text/plain", b"SAMLResponse=x"), ("POST", "multipart/form-data; boundary=x", b"--x--\r\n"),
        ("POST", "application/x-www-form-urlencoded", b"SAMLResponse=%FF"), ("POST", "application/x-www-form-urlencoded", b"SAMLResponse=%00"),
    ])
    def test_what_a_page_cannot_carry_is_redirected(self, cutover, method, content_type, body):
        headers = [("Content-Type", content_type)] if content_type else []
        answer = cutover.gateway.request(method, FORM_PATH, headers, body)
        assert (answer.status, answer.location) == (307, cutover.callback_url)

    def test_the_row_overrides_the_route(self, cutover):
        assert cutover.post(form(self.FIELDS), path="/framed/globex").status == 307

    def test_the_configuration_is_the_last_word(self, make_gateway):
        gateway = make_gateway(redirect="form", routes=[{"match": "/a/{identifier}"}, {"match": "/b/{identifier}", "redirect": 307}])
        gateway.load({"acme": CONNECTION_ID})
        gateway.start()
        assert gateway.post("/a/acme", form(self.FIELDS)).status == 200
        assert gateway.post("/b/acme", form(self.FIELDS)).status == 307


class TestOnwardSources:
    """Chromium holds the policy against each redirect that follows, so with a list there the gateway's own names are in it, too."""

    def policy(self, make_gateway, **config):
        gateway = make_gateway(redirect="form", stytch={"onward_sources": ["https://app.example.com"]}, **config)
        gateway.load({"acme": CONNECTION_ID})
        gateway.start()
        return gateway.post("/old-sso/acme", form(TestPage.FIELDS)).header("Content-Security-Policy")

    def test_a_host_without_a_port_stands_for_every_port(self, make_gateway):
        """In a policy it would stand for 443 alone."""
        policy = self.policy(make_gateway, hosts=["sso.example.com", "old.example.com:8443"])
        assert "; form-action https://api.stytch.com https://app.example.com https://sso.example.com:* https://old.example.com:8443; " in policy

    def test_thousands_of_hosts_take_little_memory(self, make_gateway):
        gateway = make_gateway(stytch={"onward_sources": ["https://app.example.com"]}, hosts=[f"customer-{i}.sso.example.com" for i in range(5000)])
        most = resource.RLIM_INFINITY if is_sanitized() else 200 << 20
        checked = run("ssoferryd", "--check", "-c", gateway.config_path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (most, most)))
        assert "write https: there instead" in checked.stderr
