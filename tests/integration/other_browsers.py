"""Firefox and WebKitGTK, whose engine is Safari's: their packages are large, so they sign in only where they are installed."""
import contextlib
import json
import os
import socket
import subprocess
import time
from pathlib import Path

from browser import Browser

FIREFOX = "/usr/bin/firefox-esr"
_START_TIMEOUT = 60  # seconds; the first start of a profile
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the member that names an element, by the WebDriver specification


class Firefox(Browser):
    holds_form_action_against_redirects = False

    def __init__(self, profile, javascript=True):
        Path(profile).mkdir(exist_ok=True)
        Path(profile, "user.js").write_text(f"""
user_pref("marionette.port", 0);
user_pref("javascript.enabled", {"true" if javascript else "false"});
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("app.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("network.proxy.type", 0);
""")
        super().__init__(_Marionette(profile))


class _Marionette:
    """Firefox's own protocol, by which geckodriver, which Debian has not, would drive it."""

    def __init__(self, profile):
        self._process = subprocess.Popen([FIREFOX, "--headless", "--no-remote", "--marionette", "--profile", str(profile)],
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(profile)})
        self._socket = self._connected(Path(profile, "MarionetteActivePort"))
        self._file = self._socket.makefile("rb")
        self._read()  # what it is
        self._call("WebDriver:NewSession", capabilities={})

    def _connected(self, port_file):
        deadline = time.monotonic() + _START_TIMEOUT
        while not (port_file.exists() and port_file.read_text()):
            assert self._process.poll() is None and time.monotonic() < deadline, "Firefox does not start"
            time.sleep(0.05)
        return socket.create_connection(("127.0.0.1", int(port_file.read_text())), _START_TIMEOUT)

    def _read(self):
        size = b""
        while not size.endswith(b":"):
            byte = self._file.read(1)
            assert byte, "Firefox has gone"
            size += byte
        return json.loads(self._file.read(int(size[:-1])))

    def _call(self, name, **parameters):
        message = json.dumps([0, 1, name, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self._read()
        assert error is None, error
        return result

    def set_page_load_timeout(self, seconds):
        self._call("WebDriver:SetTimeouts", pageLoad=seconds * 1000)

    def get(self, url):
        self._call("WebDriver:Navigate", url=url)

    @property
    def current_url(self):
        return self._call("WebDriver:GetCurrentURL")["value"]

    @property
    def title(self):
        return self._call("WebDriver:GetTitle")["value"]

    def delete_all_cookies(self):
        self._call("WebDriver:DeleteAllCookies")

    def find_elements(self, using, value):
        return [_Element(self._call, found[_ELEMENT]) for found in self._call("WebDriver:FindElements", using=using, value=value)]

    def quit(self):
        with contextlib.suppress(AssertionError, OSError):
            self._call("Marionette:Quit", flags=["eForceQuit"])
        self._socket.close()
        self._process.wait(_START_TIMEOUT)


class _Element:
    def __init__(self, call, name):
        self._call, self._name = call, name

    def is_displayed(self):
        return self._call("WebDriver:IsElementDisplayed", id=self._name)["value"]

    def click(self):
        self._call("WebDriver:ElementClick", id=self._name)


class WebKit(Browser):
    """In a virtual screen, for it has no other."""
    keeps_secure_cookies_of_loopback = False  # which came over plain HTTP

    def __init__(self, profile, javascript=True):
        from selenium.webdriver import WebKitGTK, WebKitGTKOptions
        Path(profile).mkdir(exist_ok=True)
        options = WebKitGTKOptions()
        [options.binary_location] = map(str, Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
        for argument in ("--automation", f"--enable-javascript={'true' if javascript else 'false'}"):
            options.add_argument(argument)
        self._screen = _Screen()
        environment = {"DISPLAY": self._screen.name, "HOME": str(profile), "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
                       "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1"}  # it refuses to run as root otherwise
        with _environment(environment):
            super().__init__(WebKitGTK("/usr/bin/WebKitWebDriver", options=options, service_log_path=os.devnull))

    @property
    def url(self):
        return self._asked("current_url")

    @property
    def title(self):
        return self._asked("title")

    def _asked(self, name):
        """Nothing, from a page that is just being left."""
        from selenium.common.exceptions import NoSuchFrameException
        with contextlib.suppress(NoSuchFrameException):
            return getattr(self._driver, name)
        return ""

    def wait_for_form_stopped(self, action):
        """Of which it says nothing."""
        time.sleep(1)

    def close(self):
        super().close()
        self._screen.close()


@contextlib.contextmanager
def _environment(variables):
    """Selenium hands on its own."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class _Screen:
    def __init__(self):
        reader, writer = os.pipe()
        self._process = subprocess.Popen(["Xvfb", "-displayfd", str(writer), "-screen", "0", "1000x700x24", "-nolisten", "tcp"],
                                         pass_fds=[writer], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(writer)
        with os.fdopen(reader) as file:
            self.name = f":{file.readline().strip()}"

    def close(self):
        self._process.terminate()
        self._process.wait()
