"""A customer's identity provider: pysaml2, addressed to the old service provider, as the customer once set it up.

It signs real Responses and serves the self-posting pages that carry them, and knows nothing of the gateway or of Stytch."""
import html
import itertools
import threading
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import saml2
from saml2.config import IdPConfig, SPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NameID
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

from sign_ins import USER
from web_server import Reply, WebServer


@dataclass(frozen=True)
class OldServiceProvider:
    """What the customer's IdP was told years ago, and still sends to."""
    entity_id: str
    acs_url: str


@dataclass(frozen=True)
class Signing:
    response: bool = True
    assertion: bool = False
    encrypt: bool = False  # the assertion


SIGNED_RESPONSE = Signing()
SIGNED_ASSERTION = Signing(response=False, assertion=True)
SIGNED_BOTH = Signing(assertion=True)
SIGNED_AND_ENCRYPTED = Signing(encrypt=True)

_AUTHENTICATION = {"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", "authn_auth": "idp"}


class LegacyIdp:
    def __init__(self, key_pair, sp_key_pair, service_provider, entity_id=None, host="127.0.0.1"):
        self._pages = {}
        self.requested = []  # the paths that were asked for
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()  # pysaml2's servers are used from several threads here
        self.answer_requests_with = None  # the answer's keyword arguments, for SP-initiated logins
        self.web = WebServer(host, self._respond)
        self.entity_id = entity_id or f"{self.web.origin}/saml/metadata"
        self.service_provider = service_provider
        self._sp_certificate = sp_key_pair.certificate.read_text()
        self._config = {
            "entityid": self.entity_id,
            "key_file": str(key_pair.key), "cert_file": str(key_pair.certificate),
            "xmlsec_binary": "/usr/bin/xmlsec1",
            "service": {"idp": {
                "name": "Legacy IdP",
                "endpoints": {"single_sign_on_service": [(f"{self.web.origin}/sso", saml2.BINDING_HTTP_REDIRECT)]},
                "policy": {"default": {"lifetime": {"minutes": 15}, "attribute_restrictions": None}},
                "name_id_format": [NAMEID_FORMAT_EMAILADDRESS]}},
            "metadata": {"inline": [_sp_metadata(service_provider, sp_key_pair)]},
        }
        self._server = Server(config=IdPConfig().load(self._config))

    def close(self):
        self.web.close()

    def metadata(self):
        return str(entity_descriptor(IdPConfig().load({**self._config, "metadata": {}})))

    def response(self, signing=SIGNED_RESPONSE, groups=0, in_response_to=None, service_provider=None, user=USER):
        """A Response as XML. `groups` adds that many group names of about 100 bytes, which is what makes real ones grow."""
        to = service_provider or self.service_provider
        identity = {"mail": [user]}
        if groups:
            identity["eduPersonEntitlement"] = [f"CN=group-{n:05},OU=Security Groups,OU=Corporate,DC=globex,DC=example" for n in range(groups)]
        with self._lock:
            return str(self._server.create_authn_response(
                identity, in_response_to, to.acs_url, to.entity_id,
                name_id=NameID(format=NAMEID_FORMAT_EMAILADDRESS, text=user), authn=_AUTHENTICATION,
                sign_response=signing.response, sign_assertion=signing.assertion, encrypt_assertion=signing.encrypt,
                encrypt_cert_assertion=self._sp_certificate if signing.encrypt else None,
                sign_alg=SIG_RSA_SHA256, digest_alg=DIGEST_SHA256))

    def message(self, size=0, **kwargs):
        """The SAMLResponse field's value: base64, of at least `size` bytes; 0 is as small as signed ones get."""
        message = _encode(self.response(**kwargs))
        if len(message) < size:
            bytes_a_group = (len(_encode(self.response(groups=200, **kwargs))) - len(message)) / 200
            message = _encode(self.response(groups=int(1.01 * (size - len(message)) / bytes_a_group) + 1, **kwargs))
        assert size <= len(message) < max(1.1 * size, 12000), (size, len(message))
        return message

    def page(self, fields, action=None, content_security_policy=None):
        """Publishes a page that posts `fields` by itself, as IdPs do; returns its URL."""
        path = f"/page/{next(self._numbers)}"
        inputs = "".join(f'<input type="hidden" name="{_attribute(name)}" value="{_attribute(value)}">' for name, value in fields.items())
        body = (f'<!doctype html><meta charset="utf-8"><title>Signing in</title><body onload="HTMLFormElement.prototype.submit.call(document.forms[0])">'
                f'<form method="post" action="{_attribute(action or self.service_provider.acs_url)}">{inputs}<button>Continue</button></form></body>')
        headers = (("Content-Security-Policy", content_security_policy),) if content_security_policy else ()
        self._pages[path] = Reply(200, body, headers)
        return self.web.origin + path

    def _respond(self, received):
        self.requested.append(received.path)
        if received.path == "/sso":
            return self._sign_in(received)
        return self._pages.get(received.path, Reply(404, "<title>no such page</title>"))

    def _sign_in(self, received):
        """SP-initiated: answers the AuthnRequest that the service provider sent by way of the browser."""
        query = parse_qs(received.query, keep_blank_values=True)
        with self._lock:
            request = self._server.parse_authn_request(query["SAMLRequest"][0], saml2.BINDING_HTTP_REDIRECT).message
        assert request.assertion_consumer_service_url == self.service_provider.acs_url
        fields = {"SAMLResponse": self.message(in_response_to=request.id, **(self.answer_requests_with or {}))}
        if "RelayState" in query:
            fields["RelayState"] = query["RelayState"][0]
        return self._pages[urlsplit(self.page(fields)).path]


def _encode(xml):
    return b64encode(xml.encode("utf-8")).decode("ascii")


def _attribute(value):
    return html.escape(value, quote=True).replace("\r", "&#13;").replace("\n", "&#10;")


def _sp_metadata(service_provider, key_pair):
    config = SPConfig().load({
        "entityid": service_provider.entity_id,
        "key_file": str(key_pair.key), "cert_file": str(key_pair.certificate),
        "encryption_keypairs": [{"key_file": str(key_pair.key), "cert_file": str(key_pair.certificate)}],
        "xmlsec_binary": "/usr/bin/xmlsec1",
        "service": {"sp": {"endpoints": {"assertion_consumer_service": [(service_provider.acs_url, saml2.BINDING_HTTP_POST)]}}},
    })
    return str(entity_descriptor(config))
