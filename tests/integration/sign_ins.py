"""How a sign-in's message travels. Without pysaml2, which takes most of a second to import, and which few tests need for that."""
import zlib
from base64 import b64encode
from urllib.parse import quote_plus

USER = "ada@globex.example"  # who the customer's identity provider vouches for


def form(fields):
    """A form's body, encoded as browsers do."""
    return "&".join(f"{quote_plus(name, safe='*-._')}={quote_plus(value, safe='*-._')}" for name, value in fields.items()).encode("ascii")


def redirect_binding_query(xml, relay_state=None):
    """The query of the HTTP-Redirect binding, which some IdPs use at an ACS though the profile forbids it."""
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = deflate.compress(xml.encode("utf-8")) + deflate.flush()
    fields = {"SAMLResponse": b64encode(deflated).decode("ascii")}
    if relay_state is not None:
        fields["RelayState"] = relay_state
    return form(fields).decode("ascii")
