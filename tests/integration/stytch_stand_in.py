"""Stands where Stytch stands: takes sign-ins at /v1/b2b/sso/callback/CONNECTION_ID and judges them itself, with pysaml2.

Like a Stytch connection with `alternative_audience_uri` and `alternative_acs_url`, it believes messages that are addressed to the old
service provider, because that is what the customers' IdPs go on sending."""
import html
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import saml2
from saml2.client import Saml2Client
from saml2.config import SPConfig

from cutover import CALLBACK
from web_server import Reply, WebServer

_COOKIE = "stytch_saml_csrf"


@dataclass
class SignIn:
    """A message that the stand-in found good."""
    user: str
    relay_state: str
    in_response_to: str
    groups: int


@dataclass
class _StytchConnection:
    client: Saml2Client
    outstanding: dict = field(default_factory=dict)  # AuthnRequest id -> its RelayState


class StytchStandIn:
    def __init__(self, key_pair, host="127.0.0.2"):
        self._key_pair = key_pair
        self._connections = {}
        self._lock = threading.Lock()
        self.received = []  # every request, in order
        self.sign_ins = []
        self.seconds = 0  # that each callback takes
        self.cookie_goes = "; Secure; SameSite=None"  # by these attributes with a form that another site posted
        self.application = None  # origin that a good sign-in is redirected on to, as Stytch does; None: a page says so instead
        self.web = WebServer(host, self._respond)
        self.origin = self.web.origin

    def close(self):
        self.web.close()

    def add_connection(self, connection_id, idp_metadata, alternative_audience_uri, alternative_acs_url):
        keys = {"key_file": str(self._key_pair.key), "cert_file": str(self._key_pair.certificate)}
        config = SPConfig().load({
            "entityid": alternative_audience_uri, **keys, "encryption_keypairs": [keys],
            "xmlsec_binary": "/usr/bin/xmlsec1",
            "service": {"sp": {
                "endpoints": {"assertion_consumer_service": [
                    (alternative_acs_url, saml2.BINDING_HTTP_POST), (alternative_acs_url, saml2.BINDING_HTTP_REDIRECT)]},
                "allow_unsolicited": True, "want_response_signed": False, "want_assertions_signed": False,
                "want_assertions_or_response_signed": True}},
            "metadata": {"inline": [idp_metadata]},
        })
        self._connections[connection_id] = _StytchConnection(Saml2Client(config=config))

    def start_url(self, connection_id):
        """Where an SP-initiated login starts; `?RelayState=` may follow."""
        return f"{self.origin}/start/{connection_id}"

    def expect_answer(self, connection_id, request_id, relay_state=""):
        """As if this browser-less AuthnRequest had been sent."""
        self._connections[connection_id].outstanding[request_id] = relay_state

    def callbacks(self):
        return [request for request in self.received if request.path.startswith(CALLBACK)]

    def only_callback(self):
        callbacks = self.callbacks()
        assert len(callbacks) == 1, [request.target[:200] for request in callbacks]
        return callbacks[0]

    def _respond(self, received):
        self.received.append(received)
        with self._lock:
            if received.path.startswith("/start/"):
                return self._start(received)
            if received.path.startswith(CALLBACK):
                return self._callback(received)
        return Reply(404, "<title>Refused: no such page</title>")

    def _start(self, received):
        connection = self._connections[received.path.removeprefix("/start/")]
        relay_state = parse_qs(received.query, keep_blank_values=True).get("RelayState", [""])[0]
        request_id, info = connection.client.prepare_for_authenticate(
            relay_state=relay_state, binding=saml2.BINDING_HTTP_REDIRECT, response_binding=saml2.BINDING_HTTP_POST)
        connection.outstanding[request_id] = relay_state
        # Stytch ties its own logins to the browser the same way; only a browser that comes back itself has the cookie.
        cookie = f"{_COOKIE}={request_id}; Path=/; HttpOnly{self.cookie_goes}"
        return Reply(303, "", (("Location", dict(info["headers"])["Location"]), ("Set-Cookie", cookie)))

    def _callback(self, received):
        time.sleep(self.seconds)
        connection = self._connections.get(received.path.removeprefix(CALLBACK))
        if connection is None:
            return _refuse("no such connection")
        if received.method == "POST":
            fields, binding = received.form(), saml2.BINDING_HTTP_POST
        else:
            fields = {name: values[0] for name, values in parse_qs(received.query, keep_blank_values=True).items()}
            binding = saml2.BINDING_HTTP_REDIRECT
        if "SAMLResponse" not in fields:
            return _refuse("no SAMLResponse")
        try:
            sign_in = _judge(connection, fields, binding)
        except Exception as error:  # pysaml2 says why in the type of its exceptions
            return _refuse(f"{type(error).__name__}: {error}")
        if sign_in.in_response_to and f"{_COOKIE}={sign_in.in_response_to}" not in (received.header("Cookie") or ""):
            return _refuse("missing_saml_csrf_cookie")
        self.sign_ins.append(sign_in)
        if self.application:
            return Reply(302, "", (("Location", f"{self.application}/authenticate?stytch_token_type=sso&token=x"),))
        return Reply(200, f"<!doctype html><title>Signed in as {html.escape(sign_in.user)}</title>")


def _judge(connection, fields, binding):
    """Signature, conditions, audience, Destination, Recipient and InResponseTo, all by pysaml2."""
    outstanding = connection.outstanding
    response = connection.client.parse_authn_request_response(fields["SAMLResponse"], binding, outstanding=dict(outstanding))
    if response is None or response.name_id is None:
        raise ValueError("not addressed to this service provider")
    relay_state = fields.get("RelayState", "")
    in_response_to = response.in_response_to
    if in_response_to:
        if in_response_to not in outstanding:
            raise ValueError("answers a request that was never made")
        if relay_state != outstanding[in_response_to]:
            raise ValueError("another RelayState than the request's")
    return SignIn(response.name_id.text, relay_state, in_response_to, len(response.ava.get("eduPersonEntitlement", [])))


def _refuse(reason):
    return Reply(403, f"<!doctype html><title>Refused: {html.escape(reason)}</title>")
