"""Browsers with profiles of their own: headless Chromium, and those of other_browsers.py."""
import contextlib
import time
from pathlib import Path

import pytest

_CHROMIUM, _DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
_ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1000,700",
)
_TIMEOUT = 20  # seconds


class Browser:
    """What all of them can do. `driver` has these methods of Selenium's WebDriver."""
    holds_form_action_against_redirects = True
    keeps_secure_cookies_of_loopback = True

    def __init__(self, driver):
        self._driver = driver
        driver.set_page_load_timeout(_TIMEOUT)

    def close(self):
        self._driver.quit()

    def open(self, url):
        self._driver.get(url)

    def forget(self):
        """Leaves the page, and drops cookies."""
        self._driver.delete_all_cookies()
        self._driver.get("about:blank")

    @property
    def url(self):
        return self._driver.current_url

    @property
    def title(self):
        return self._driver.title

    def wait_for_title(self, start):
        """Waits for a page whose title starts so, and returns the title."""
        self._wait(lambda: self.title.startswith(start), f"no page called {start!r}")
        return self.title

    def wait_for_url(self, url):
        self._wait(lambda: self.url == url, f"not at {url}")

    def press_button(self):
        """Presses the page's one button, as a person does."""
        [button] = self._driver.find_elements("css selector", "button, input[type=submit]")
        assert button.is_displayed(), "the button cannot be seen"
        button.click()

    def _wait(self, condition, otherwise):
        deadline = time.monotonic() + _TIMEOUT
        while not condition():
            assert time.monotonic() < deadline, f"{otherwise}; the browser shows {self.title!r} at {self.url}"
            time.sleep(0.05)


class Chromium(Browser):
    def __init__(self, profile, javascript=True, trusted_key=None):
        """`trusted_key`: the one, by its SHA-256 in base64, whose certificates are good whoever signed them."""
        if not Path(_CHROMIUM).exists():
            pytest.skip(f"this machine has no {_CHROMIUM}")
        from selenium.webdriver import Chrome, ChromeOptions
        from selenium.webdriver.chrome.service import Service
        options = ChromeOptions()
        options.binary_location = _CHROMIUM
        for argument in (*_ARGUMENTS, f"--user-data-dir={profile}"):
            options.add_argument(argument)
        if trusted_key:
            options.add_argument(f"--ignore-certificate-errors-spki-list={trusted_key}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        if not javascript:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        super().__init__(Chrome(service=Service(_DRIVER), options=options))
        self._driver.set_script_timeout(_TIMEOUT)

    def forget(self):
        """Leaves the page, and drops cookies and console messages."""
        self._driver.get("about:blank")
        self._driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self._driver.get_log("browser")

    def wait_for_form_stopped(self, action):
        """By form-action. It names where the form was going, not where the redirect led."""
        kept = []

        def look():
            kept.extend(entry["message"] for entry in self._driver.get_log("browser"))
            return any("form-action" in message and action in message for message in kept)

        self._wait(look, f"no console message with 'form-action' and {action!r} in {kept}")

    @contextlib.contextmanager
    def impatient(self, milliseconds):
        """Within, whoever sits there presses each page's first button when it has been shown for so long."""
        source = f"setTimeout(() => document.querySelector('button')?.click(), {milliseconds})"
        script = self._driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
        try:
            yield
        finally:
            self._driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
