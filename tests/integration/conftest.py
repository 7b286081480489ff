"""Fixtures: gateways that are judged when a test ends, and the parties on both sides of them."""
import contextlib
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from browser import Chromium
from cutover import Cutover
from gateway import Gateway
from keys import make_key_pair
from large_tables import Made, Tables
from loader import CONFIGURATION, CONFIGURATION_OF_SOURCES, SMALL, Loader, plain
from other_browsers import Firefox, WebKit
from preload import set_to_noon
from proof import Proof

# A shell has what it runs in the background ignore SIGINT, and a program that is started so goes on ignoring it.
signal.signal(signal.SIGINT, signal.default_int_handler)

NO_IPV6 = "this machine has no ::1"


def pytest_configure(config):
    config.addinivalue_line("markers", "chromium_alone: needs what no other browser can be told to do")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Where SSOFERRY_NO_SKIPS is set, as in CI, a machine on which not all can be tested fails. Containers often have no IPv6."""
    report = (yield).get_result()
    if report.skipped and os.environ.get("SSOFERRY_NO_SKIPS") and NO_IPV6 not in str(report.longrepr):
        report.outcome = "failed"


@pytest.fixture(scope="session")
def proof():
    return Proof()


@pytest.fixture(scope="session")
def idp_keys(tmp_path_factory):
    return make_key_pair(tmp_path_factory.mktemp("idp-keys"), "legacy-idp.example.net")


@pytest.fixture(scope="session")
def sp_keys(tmp_path_factory):
    """What the old service provider decrypts with; Stytch gets it as `saml_encryption_private_key`."""
    return make_key_pair(tmp_path_factory.mktemp("sp-keys"), "app.example.com")


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    from certificates import Authority  # here and below, for most files of tests want neither
    return Authority(tmp_path_factory.mktemp("authority"))


class Gateways:
    """Makes gateways and stops those still running; a gateway that ends badly fails the test."""

    def __init__(self, directory):
        self._directory = directory
        self._made = []

    def __call__(self, **config):
        gateway = Gateway(self._directory / f"gateway-{len(self._made) + 1}", **config)
        self._made.append(gateway)
        return gateway

    def stop(self):
        with contextlib.ExitStack() as stack:
            for gateway in self._made:
                stack.callback(gateway.stop)


@pytest.fixture
def open_directory():
    """One that every user reaches, which pytest's are not."""
    directory = Path(tempfile.mkdtemp(prefix="ssoferry-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def at_noon(tmp_path, monkeypatch):
    """For tests that tell one day from another; asked for before the gateways, which begin with it."""
    set_to_noon(tmp_path, monkeypatch)


@pytest.fixture
def loader(tmp_path):
    return Loader(tmp_path)


@pytest.fixture
def loaded(loader):
    loader.load(SMALL)
    return loader


@pytest.fixture
def config(loader):
    return loader.file(CONFIGURATION.format(store=loader.store), "ssoferryd.yaml")


@pytest.fixture
def routed(loader):
    """The loader with a configuration of four sources: default has no legacy_url, auth0 has one, issuer decodes nothing, folded folds case."""
    config = loader.file(CONFIGURATION_OF_SOURCES.format(store=loader.store), "ssoferryd.yaml")
    loader.load(SMALL)
    return lambda *arguments, **settings: plain("-c", config, *arguments, **settings)


@pytest.fixture
def make_gateway(tmp_path):
    gateways = Gateways(tmp_path)
    yield gateways
    gateways.stop()


@pytest.fixture(scope="module")
def make_shared_gateway(tmp_path_factory):
    """For gateways that a whole file of tests speaks to."""
    gateways = Gateways(tmp_path_factory.mktemp("shared"))
    yield gateways
    gateways.stop()


@pytest.fixture(scope="module")
def made_tables(make_shared_gateway):
    return Made(make_shared_gateway())


@pytest.fixture
def tables(make_gateway, made_tables):
    return Tables(make_gateway(log={"requests": "off"}, usage=False), made_tables)


@pytest.fixture(scope="module")
def make_cutover(make_shared_gateway, idp_keys, sp_keys):
    with contextlib.ExitStack() as stack:
        def make(**config):
            cutover = Cutover(make_shared_gateway, idp_keys, sp_keys, **config)
            stack.callback(cutover.close)
            return cutover

        yield make


@pytest.fixture
def cutover(started):
    """The one that a file of tests starts, as it was then."""
    return started.forget()


@pytest.fixture
def starting_at_stytch(cutover, browser):
    """For sign-ins that begin there, by a cookie that comes back."""
    if not browser.keeps_secure_cookies_of_loopback:
        cutover.stytch.cookie_goes = ""  # this browser sends such a one across sites
    return cutover


def new_browser(profile, javascript=True):
    """The one that the environment names, which the tests of signing in run in once more where it is installed."""
    name = os.environ.get("SSOFERRY_BROWSER", "chromium")
    return {"chromium": Chromium, "firefox": Firefox, "webkit": WebKit}[name](profile, javascript)


@pytest.fixture(scope="session")
def session_browser(tmp_path_factory):
    browser = new_browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


@pytest.fixture
def browser(session_browser):
    session_browser.forget()
    return session_browser


@pytest.fixture
def browser_without_scripts(tmp_path):
    browser = new_browser(tmp_path / "browser", javascript=False)
    yield browser
    browser.close()
