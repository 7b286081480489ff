"""The main job: a browser that an IdP sends to the old URL ends signed in at Stytch, and nothing in the message has changed."""
from base64 import b64decode, b64encode

import pytest

import legacy_idp
from cutover import CONNECTION_ID, OTHER_CONNECTION_ID
from sign_ins import USER, form

SIZES = {"smallest": 0, "46KB": 46_000, "300KB": 300_000}

RELAY_STATES = {
    "percent": "100%25 %zz %",
    "plus_and_space": "a+b c++",
    "ampersand_equals": "next=/a?b=c&d=e&&f==",
    "unicode": "Größe/日本語/😀",
    "newline": "first\nsecond\r\nthird",
    "markup": "\"><script>alert('x')</script>&amp;&#10;",
    "url": "https://app.example.com/deep/link?tab=1#part;x",
    "long": "0123456789abcdef" * 25,  # the specification allows 80 bytes; IdPs send more
    "empty": "",
}


@pytest.fixture(scope="module")
def started(make_cutover):
    cutover = make_cutover(routes=[{"match": "/old-sso/{identifier}"}, {"match": "/seen/{identifier}", "redirect": 303}])
    return cutover.start({"acme": CONNECTION_ID, "globex": {"connection_id": OTHER_CONNECTION_ID, "redirect": 303}})


def as_sent_directly(cutover, browser, fields):
    """The bytes that this browser sends for this form where no gateway is in between."""
    browser.open(cutover.idp.page(fields, action=cutover.stytch.origin + "/directly"))
    browser.wait_for_title("Refused: no such page")
    [received] = [request for request in cutover.stytch.received if request.path == "/directly"]
    return received


@pytest.mark.parametrize("size", SIZES)
def test_idp_initiated(cutover, browser, size):
    fields = {"SAMLResponse": cutover.idp.message(SIZES[size]), "RelayState": "https://app.example.com/home?x=1&y=%20"}
    directly = as_sent_directly(cutover, browser, fields)

    browser.open(cutover.idp.page(fields))

    assert browser.wait_for_title("Signed in") == f"Signed in as {USER}"
    assert browser.url == cutover.callback_url
    arrived = cutover.stytch.only_callback()
    assert arrived.method == "POST"
    assert arrived.body == directly.body
    assert arrived.header("Content-Type") == directly.header("Content-Type")
    assert arrived.form() == fields
    assert arrived.header("Referer") is None


@pytest.mark.parametrize("size", SIZES)
def test_sp_initiated(starting_at_stytch, browser, size):
    cutover = starting_at_stytch
    cutover.idp.answer_requests_with = {"size": SIZES[size]}

    browser.open(cutover.stytch.start_url(CONNECTION_ID) + "?RelayState=back%20to+%2Fhome%26x%3D1")

    assert browser.wait_for_title("Signed in") == f"Signed in as {USER}"
    [sign_in] = cutover.stytch.sign_ins
    assert sign_in.in_response_to, "the Response answers a request that Stytch made"
    assert sign_in.relay_state == "back to /home&x=1"
    assert len(cutover.stytch.only_callback().body) >= SIZES[size]


@pytest.mark.parametrize("name", RELAY_STATES)
def test_relay_state_arrives_as_the_browser_sent_it(cutover, browser, name):
    fields = {"RelayState": RELAY_STATES[name], "SAMLResponse": cutover.idp.message()}
    directly = as_sent_directly(cutover, browser, fields)

    browser.open(cutover.idp.page(fields))

    browser.wait_for_title("Signed in")
    arrived = cutover.stytch.only_callback()
    assert arrived.body == directly.body
    as_browsers_have_it = RELAY_STATES[name].replace("\r\n", "\n").replace("\n", "\r\n")
    assert arrived.form()["RelayState"] == as_browsers_have_it
    assert cutover.stytch.sign_ins[0].relay_state == as_browsers_have_it


@pytest.mark.parametrize("signing", ["SIGNED_RESPONSE", "SIGNED_ASSERTION", "SIGNED_BOTH", "SIGNED_AND_ENCRYPTED"])
def test_every_way_of_signing(cutover, signing):
    body = form({"SAMLResponse": cutover.idp.message(signing=getattr(legacy_idp, signing)), "RelayState": "x"})

    stytch = cutover.follow(cutover.post(body), body)

    assert (stytch.status, stytch.text) == (200, f"<!doctype html><title>Signed in as {USER}</title>")
    assert cutover.stytch.only_callback().body == body


def test_query_and_message_arrive_together(cutover, browser):
    action = cutover.service_provider.acs_url + "?tenant=a%20b&x=+%2F"

    browser.open(cutover.idp.page({"SAMLResponse": cutover.idp.message()}, action=action))

    browser.wait_for_title("Signed in")
    assert cutover.stytch.only_callback().query == "tenant=a%20b&x=+%2F"


@pytest.mark.parametrize("path", ["/old-sso/globex", "/seen/acme"], ids=["of_the_row", "of_the_route"])
def test_303_arrives_as_a_get_without_its_body(cutover, browser, path):
    action = cutover.gateway.origin("localhost") + path + "?kept=1"

    browser.open(cutover.idp.page({"SAMLResponse": cutover.idp.message(), "RelayState": "x"}, action=action))

    browser.wait_for_title("Refused")
    arrived = cutover.stytch.only_callback()
    assert (arrived.method, arrived.body, arrived.query) == ("GET", b"", "kept=1")
    assert arrived.header("Content-Type") is None
    assert arrived.path.endswith(OTHER_CONNECTION_ID if path.endswith("globex") else CONNECTION_ID)


def test_a_row_that_is_set_moves_the_next_sign_in(cutover, browser):
    page = cutover.idp.page({"SAMLResponse": cutover.idp.message()})
    cutover.gateway.set("acme", "state=disabled")
    try:
        browser.open(page)
        browser.wait_for_url(cutover.service_provider.acs_url)
        assert cutover.stytch.callbacks() == []
    finally:
        cutover.gateway.set("acme", "state=stytch")
    browser.open(page)
    browser.wait_for_title("Signed in")


class TestStytchJudges:
    """The gateway validates nothing: what is false goes to Stytch all the same, and is refused there. It also shows that the stand-in
    can tell."""

    def refused(self, cutover, fields):
        body = form(fields)
        stytch = cutover.follow(cutover.post(body), body)
        assert stytch.status == 403
        assert cutover.stytch.only_callback().body == body
        return stytch.text

    def test_an_altered_message(self, cutover):
        altered = b64decode(cutover.idp.message()).replace(b"ada@", b"eve@")
        assert "SignatureError" in self.refused(cutover, {"SAMLResponse": b64encode(altered).decode("ascii")})

    def test_a_message_to_another_acs(self, cutover):
        elsewhere = legacy_idp.OldServiceProvider(cutover.service_provider.entity_id, "https://elsewhere.example.com/acs")
        assert "not addressed" in self.refused(cutover, {"SAMLResponse": cutover.idp.message(service_provider=elsewhere)})

    def test_a_login_that_the_browser_did_not_carry(self, cutover):
        """As a gateway would do it that forwards the message itself, in place of redirecting."""
        cutover.stytch.expect_answer(CONNECTION_ID, "id-of-a-request")
        assert "missing_saml_csrf_cookie" in self.refused(cutover, {"SAMLResponse": cutover.idp.message(in_response_to="id-of-a-request")})
