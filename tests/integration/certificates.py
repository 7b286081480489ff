"""A certificate authority of the tests' own, and clients that trust it."""
import datetime
import functools
import hashlib
import ipaddress
import ssl
from base64 import b64encode

import wire
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from keys import KeyPair


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(host):
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


@functools.cache
def _rsa_key():
    """One for all, since it takes a third of a second to make."""
    return rsa.generate_private_key(65537, 2048)


_MAY_SIGN = x509.KeyUsage(digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
                          key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False)


class Authority:
    def __init__(self, directory):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._serial = 0
        self._name = _name("Test authority")
        certificate = self._sign(self._name, self._key.public_key(), x509.BasicConstraints(True, None), _MAY_SIGN, days=30)
        self.file = directory / "authority.pem"
        self.file.write_bytes(certificate)

    def _sign(self, subject, key, *extensions, days):
        """It ends some minutes after the last of its days, so that so many are left when a slow machine comes to count its hours."""
        now = datetime.datetime.now(datetime.timezone.utc)
        self._serial += 1
        builder = x509.CertificateBuilder(self._name, subject, key, 1000 + self._serial, now - datetime.timedelta(days=60),
                                          now + datetime.timedelta(days=days, minutes=50))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=True)
        # RFC 5280, 4.2.1.1 and 4.2.1.2; Python 3.13 insists on them
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def issue(self, directory, *names, days=29, name=None, rsa_key=False):
        """A key pair for these host names, in files of their own that replace earlier ones of that name."""
        key = _rsa_key() if rsa_key else ec.generate_private_key(ec.SECP256R1())
        stem = name or names[0].replace("*", "star")
        pair = KeyPair(directory / f"{stem}.key", directory / f"{stem}.crt")
        alternatives = x509.SubjectAlternativeName([_alternative(host) for host in names])
        replace(pair.certificate, self._sign(_name(names[0]), key.public_key(), alternatives, days=days))
        replace(pair.key, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                            serialization.NoEncryption()), mode=0o600)
        return pair

    def client(self, protocols=("http/1.1",)):
        """What a client's connections are made with."""
        context = ssl.create_default_context(cafile=self.file)
        if protocols:
            context.set_alpn_protocols(protocols)
        return context


def fingerprint(pair):
    """Of the public key, as a browser can be told to trust it."""
    key = x509.load_pem_x509_certificate(pair.certificate.read_bytes()).public_key()
    return b64encode(hashlib.sha256(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).digest()).decode()


def replace(path, data, mode=0o644):
    """As programs do that renew certificates: never half a file."""
    new = path.with_suffix(".new")
    new.write_bytes(data)
    new.chmod(mode)
    new.rename(path)


class SecureConnection(wire.Connection):
    """A connection over TLS, to the gateway that the certificate says it is."""

    def __init__(self, address, context, name, session=None, timeout=wire.TIMEOUT):
        super().__init__(address, timeout)
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname=name, session=session)
        except BaseException:
            self.close()
            raise

    @property
    def serial(self):
        """Which of an authority's certificates the gateway showed."""
        return self.socket.getpeercert()["serialNumber"]
