"""Connections as Stytch names them."""
import uuid


def connection_id(number, mode="live"):
    return f"saml-connection-{mode}-{uuid.UUID(int=number)}"
