"""Routing by the Issuer of real Responses, over both bindings; and messages that are not what they should be."""
from base64 import b64encode, urlsafe_b64encode

import pytest
from saml2.s_utils import deflate_and_base64_encode

import legacy_idp
from cutover import CONNECTION_ID, OTHER_CONNECTION_ID
from sign_ins import USER, form, redirect_binding_query

SIGNINGS = ["SIGNED_RESPONSE", "SIGNED_ASSERTION", "SIGNED_BOTH", "SIGNED_AND_ENCRYPTED"]

ENTITY_IDS = {
    "plain": "https://idp.globex.example/saml/metadata",
    "400_characters": "https://idp.globex.example/" + "tenant/" * 53 + "ab",
    "unicode": "https://idp.größe.example/日本語/😀",
    "markup": "https://idp.globex.example/?a=1&b=<2>&c=\"'",
    "urn": "urn:globex:idp:prod",
    "space_inside": "Globex Corporation IdP",
}


@pytest.fixture(scope="module")
def started(make_cutover):
    """One gateway; by turns each of these IdPs posts to it."""
    started = make_cutover(routes=[{"match": "/saml/acs", "identify_by": "issuer"}], old_path="/saml/acs", idp_entity_id=ENTITY_IDS["plain"],
                           limits={"uri": "128KiB", "head": "160KiB"})
    return started.start({**{entity_id: CONNECTION_ID for entity_id in ENTITY_IDS.values()}, "https://other.example/": OTHER_CONNECTION_ID})


def test_the_lengths_are_as_named():
    assert len(ENTITY_IDS["400_characters"]) == 400


@pytest.mark.parametrize("signing, size", [*((signing, 0) for signing in SIGNINGS), ("SIGNED_ASSERTION", 46_000), ("SIGNED_RESPONSE", 300_000),
                                           ("SIGNED_AND_ENCRYPTED", 300_000)])
def test_post_binding(cutover, signing, size):
    body = form({"SAMLResponse": cutover.idp.message(size, signing=getattr(legacy_idp, signing)), "RelayState": "x"})

    answer = cutover.post(body)

    assert (answer.status, answer.location) == (307, cutover.callback_url)
    stytch = cutover.follow(answer, body)
    assert (stytch.status, stytch.text) == (200, f"<!doctype html><title>Signed in as {USER}</title>")
    assert cutover.stytch.only_callback().body == body


@pytest.mark.parametrize("signing", SIGNINGS)
def test_redirect_binding(cutover, signing):
    query = redirect_binding_query(cutover.idp.response(getattr(legacy_idp, signing)), "state & more")

    answer = cutover.gateway.get(f"/saml/acs?{query}")

    assert (answer.status, answer.location) == (307, f"{cutover.callback_url}?{query}")
    assert cutover.follow(answer).status == 200
    [sign_in] = cutover.stytch.sign_ins
    assert (sign_in.user, sign_in.relay_state) == (USER, "state & more")


@pytest.mark.parametrize("name", ENTITY_IDS)
def test_entity_ids(make_cutover, name):
    cutover = make_cutover(routes=[{"match": "/saml/acs", "identify_by": "issuer"}], old_path="/saml/acs", idp_entity_id=ENTITY_IDS[name])
    cutover.start({ENTITY_IDS[name]: CONNECTION_ID})
    body = form({"SAMLResponse": cutover.idp.message()})

    answer = cutover.post(body)

    assert cutover.gateway.logged(answer)["identifier"] == ENTITY_IDS[name]
    assert cutover.follow(answer, body).status == 200
    query = redirect_binding_query(cutover.idp.response())
    assert cutover.gateway.get(f"/saml/acs?{query}").location == f"{cutover.callback_url}?{query}"


def test_in_the_browser(cutover, browser):
    browser.open(cutover.idp.page({"SAMLResponse": cutover.idp.message(46_000), "RelayState": "a+b"}))
    assert browser.wait_for_title("Signed in") == f"Signed in as {USER}"
    assert cutover.stytch.sign_ins[0].relay_state == "a+b"


def lines(text, width, end):
    return end.join(text[n:n + width] for n in range(0, len(text), width)) + end


# Ways in which real IdPs write base64 in a form.
ENCODINGS = {
    "lines_of_76": lambda xml: lines(b64encode(xml).decode(), 76, "\r\n"),
    "lines_of_64": lambda xml: lines(b64encode(xml).decode(), 64, "\n"),
    "url_safe": lambda xml: urlsafe_b64encode(xml).decode(),
    "without_padding": lambda xml: b64encode(xml).decode().rstrip("="),
}


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("padding", ["", " ", "  "])
def test_base64_as_idps_write_it(cutover, name, padding):
    xml = (cutover.idp.response() + padding).encode("utf-8")
    body = form({"SAMLResponse": ENCODINGS[name](xml)})

    answer = cutover.post(body)

    assert (answer.status, answer.location) == (307, cutover.callback_url)
    cutover.follow(answer, body)
    assert cutover.stytch.only_callback().body == body, "as it came, not as it was read"


def test_an_issuer_that_is_not_in_the_table(cutover):
    stranger = cutover.idp.response().replace(ENTITY_IDS["plain"], "https://stranger.example/")
    answer = cutover.post(form({"SAMLResponse": b64encode(stranger.encode()).decode()}))
    assert (answer.status, answer.location) == (404, None)
    line = cutover.gateway.logged(answer)
    assert (line["decision"], line["identifier"]) == ("unknown", "https://stranger.example/")
    assert "is known for this identity provider" in answer.text and "entity id" in answer.text
    assert "ACS" not in answer.text, "the address is fine"


PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
GOOD = ENTITY_IDS["plain"]


def response(content, attributes=""):
    return f'<p:Response xmlns:p="{PROTOCOL}" xmlns:a="{ASSERTION}"{attributes}>{content}</p:Response>'


BAD_MESSAGES = {
    "two_issuers": (response(f"<a:Issuer>{GOOD}</a:Issuer><a:Issuer>https://other.example/</a:Issuer>"), "issuer_twice"),
    "the_same_issuer_twice": (response(f"<a:Issuer>{GOOD}</a:Issuer><a:Issuer>{GOOD}</a:Issuer>"), "issuer_twice"),
    "assertions_that_disagree": (response(f"<a:Assertion><a:Issuer>{GOOD}</a:Issuer></a:Assertion>"
                                          "<a:Assertion><a:Issuer>https://other.example/</a:Issuer></a:Assertion>"), "issuer_twice"),
    "no_issuer": (response("<p:Status/>"), "no_issuer"),
    "only_an_encrypted_assertion": (response("<a:EncryptedAssertion/>"), "no_issuer"),
    "issuer_of_another_namespace": (response(f'<x:Issuer xmlns:x="urn:other">{GOOD}</x:Issuer>'), "no_issuer"),
    "issuer_too_deep": (response(f"<p:Extensions><x><a:Issuer>{GOOD}</a:Issuer></x></p:Extensions>"), "no_issuer"),
    "empty_issuer": (response("<a:Issuer/>"), "unfit_issuer"),
    "blank_issuer": (response("<a:Issuer> \n </a:Issuer>"), "unfit_issuer"),
    "long_issuer": (response(f"<a:Issuer>{'x' * 441}</a:Issuer>"), "unfit_issuer"),
    "issuer_with_a_comment": (response(f"<a:Issuer>{GOOD}<!-- -->.evil.example</a:Issuer>"), "unfit_issuer"),
    "issuer_with_an_element": (response(f"<a:Issuer>{GOOD}<b/></a:Issuer>"), "unfit_issuer"),
    "issuer_with_cdata": (response(f"<a:Issuer><![CDATA[{GOOD}]]></a:Issuer>"), "unfit_issuer"),
    "issuer_with_a_line_break": (response("<a:Issuer>https://idp&#10;globex</a:Issuer>"), "unfit_issuer"),
    "document_type": ("<!DOCTYPE x>" + response(f"<a:Issuer>{GOOD}</a:Issuer>"), "bad_xml"),
    "entity": (f'<!DOCTYPE x [<!ENTITY e "{GOOD}">]>' + response("<a:Issuer>&e;</a:Issuer>"), "bad_xml"),
    "external_entity": ('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + response("<a:Issuer>&e;</a:Issuer>"), "bad_xml"),
    "undefined_entity": (response("<a:Issuer>&e;</a:Issuer>"), "bad_xml"),
    "cut_off_before_the_issuer": (f'<p:Response xmlns:p="{PROTOCOL}" xmlns:a="{ASSERTION}"><a:Iss', "bad_xml"),
    "tags_that_do_not_match": (response("<a:Issuer></b></a:Issuer>"), "bad_xml"),
    "not_xml": ("this is no XML", "bad_xml"),
    "nothing_but_space": ("   ", "bad_xml"),
    "request": (f'<p:AuthnRequest xmlns:p="{PROTOCOL}" xmlns:a="{ASSERTION}"><a:Issuer>{GOOD}</a:Issuer></p:AuthnRequest>', "not_a_response"),
    "logout": (f'<p:LogoutResponse xmlns:p="{PROTOCOL}" xmlns:a="{ASSERTION}"><a:Issuer>{GOOD}</a:Issuer></p:LogoutResponse>', "not_a_response"),
    "saml_1": ('<p:Response xmlns:p="urn:oasis:names:tc:SAML:1.0:protocol" Issuer="x"/>', "not_a_response"),
    "no_namespace": (f"<Response><Issuer>{GOOD}</Issuer></Response>", "not_a_response"),
    "soap": (f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">{response(GOOD)}</s:Envelope>', "not_a_response"),
}


def are_refused(cutover, answers, code):
    for answer in answers:
        assert (answer.status, answer.location) == (400, None)
        assert len(answer.text) > 200, "a page that says what to do"
    for line in map(cutover.gateway.logged, answers):
        assert (line["decision"], line["reason"], line["identifier"]) == ("malformed", code, "")
    assert cutover.stytch.callbacks() == []


@pytest.mark.parametrize("name", BAD_MESSAGES)
def test_bad_message(cutover, name):
    xml, code = BAD_MESSAGES[name]
    posted = cutover.post(form({"SAMLResponse": b64encode(xml.encode()).decode()}))
    got = cutover.gateway.get("/saml/acs?" + redirect_binding_query(xml))
    are_refused(cutover, [posted, got], code)


BAD_FIELDS = {
    "none": (b"", "no_saml_response"),
    "only_relay_state": (b"RelayState=x", "no_saml_response"),
    "empty": (b"SAMLResponse=", "no_saml_response"),
    "request": (b"SAMLRequest=PHg%2B", "no_saml_response"),
    "artifact": (b"SAMLart=AAQAAMh48%2F1oXIM%2BsDo7Dh2qMp1HM4IF5DaRNmDj6RdUmllwn9jJHyEgIi8%3D&RelayState=x", "saml_artifact"),
    "twice": (b"SAMLResponse=PHg%2B&SAMLResponse=PHg%2B", "saml_response_twice"),
    "not_base64": (b"SAMLResponse=%26%23%21", "bad_base64"),
    "bytes": (b"SAMLResponse=%ff%fe%00", "bad_base64"),
    "xml_as_it_is": (b"SAMLResponse=%3Cp%3AResponse%2F%3E", "bad_base64"),
    "one_character_short": (b"SAMLResponse=PHgvP", "bad_base64"),
    "broken_percent": (b"SAMLResponse=PHg%zz", "bad_base64"),
}


@pytest.mark.parametrize("name", BAD_FIELDS)
def test_bad_field(cutover, name):
    fields, code = BAD_FIELDS[name]
    are_refused(cutover, [cutover.post(fields), cutover.gateway.get("/saml/acs?" + fields.decode())], code)


def test_a_message_that_is_no_form(cutover):
    answer = cutover.gateway.request("POST", "/saml/acs", [("Content-Type", "text/xml")], cutover.idp.response().encode())
    are_refused(cutover, [answer], "not_a_form")


def test_a_message_that_inflates_without_end(cutover):
    """1 MB of the query inflates a thousandfold; reading stops at a limit."""
    query = redirect_binding_query(response("<a:Issuer>" + " " * 60_000_000))
    assert len(query) < 90_000
    are_refused(cutover, [cutover.gateway.get("/saml/acs?" + query)], "saml_too_large")


def test_a_message_cut_in_its_deflate(cutover):
    deflated = deflate_and_base64_encode(cutover.idp.response().encode()).decode()
    queries = [form({"SAMLResponse": deflated[:size]}).decode() for size in (4, 8, 100)]
    are_refused(cutover, [cutover.gateway.get("/saml/acs?" + query) for query in queries], "bad_deflate")


def test_real_messages_with_one_byte_changed(cutover):
    """Wherever the byte is, the answer is one of the gateway's own, and a redirect leads only to a connection of the table."""
    xml = bytearray(cutover.idp.response().encode())
    statuses = set()
    for position in range(0, len(xml), 11):
        altered = bytes(xml[:position]) + bytes([xml[position] ^ 0x15]) + bytes(xml[position + 1:])
        answer = cutover.post(form({"SAMLResponse": b64encode(altered).decode()}))
        statuses.add(answer.status)
        assert (answer.status == 307) == (answer.location == cutover.callback_url)
    assert statuses == {307, 400, 404} or statuses == {307, 400}


def test_nothing_is_fetched(cutover):
    xml = f'<!DOCTYPE x SYSTEM "{cutover.idp.web.origin}/x.dtd">' + response(f"<a:Issuer>{GOOD}</a:Issuer>")
    are_refused(cutover, [cutover.post(form({"SAMLResponse": b64encode(xml.encode()).decode()}))], "bad_xml")
    assert "/x.dtd" not in cutover.idp.requested
