"""A customer in the middle of being moved: an IdP that posts to the old URL, the gateway that stands there now, and Stytch behind it."""
from urllib.parse import urlsplit

import wire

CALLBACK = "/v1/b2b/sso/callback/"
CONNECTION_ID = "saml-connection-live-51861cbc-d3b9-428b-9761-227f5fb12be9"
OTHER_CONNECTION_ID = "saml-connection-live-0f0d1a0e-1d55-4f5c-8f5e-0a5b2f3c4d5e"
ENTITY_ID = "https://app.example.com/saml/metadata"  # the old service provider's


class Cutover:
    """Each party has a host of its own, so that every step crosses origins: IdP 127.0.0.1, gateway localhost, Stytch 127.0.0.2."""

    def __init__(self, make_gateway, idp_keys, sp_keys, old_path="/old-sso/acme", idp_entity_id=None, **config):
        from legacy_idp import LegacyIdp, OldServiceProvider  # here, for most files of tests want no more than the names above
        from stytch_stand_in import StytchStandIn
        self.stytch = StytchStandIn(sp_keys)
        self.gateway = make_gateway(live_url=self.stytch.origin, **config)
        self.old_path = old_path
        self.service_provider = OldServiceProvider(ENTITY_ID, self.gateway.origin("localhost") + old_path)
        self.idp = LegacyIdp(idp_keys, sp_keys, self.service_provider, idp_entity_id)
        self.stytch.add_connection(CONNECTION_ID, self.idp.metadata(), ENTITY_ID, self.service_provider.acs_url)

    def close(self):
        self.idp.close()
        self.stytch.close()

    def forget(self):
        """For the next test: nothing has arrived yet, and the gateway is there."""
        self.gateway.check_running()
        self.stytch.received.clear()
        self.stytch.sign_ins.clear()
        self.idp.answer_requests_with = None
        return self

    @property
    def callback_url(self):
        return self.stytch.origin + CALLBACK + CONNECTION_ID

    def start(self, connections):
        self.gateway.load(connections)
        self.gateway.start()
        return self

    def post(self, body, headers=(), path=None):
        return self.gateway.post(path or self.old_path, body, headers)

    def follow(self, answer, body=b""):
        """What a browser does with a 307 or 303: the same request again, or a GET without its body. Returns Stytch's answer."""
        assert answer.status in (303, 307), (answer.status, answer.text)
        target = urlsplit(answer.location)
        method = "POST" if answer.status == 307 and body else "GET"
        headers = [("Content-Type", "application/x-www-form-urlencoded")] if method == "POST" else []
        path = target.path + (f"?{target.query}" if target.query else "")
        data = wire.request_bytes(method, path, target.netloc, headers, body if method == "POST" else b"")
        return wire.exchange((target.hostname, target.port), data)
