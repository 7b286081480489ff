"""The operator's page on the admin listener, in Chromium: what it shows, what it follows by itself, and what it never does."""
import base64
import contextlib
import datetime
import errno
import hashlib
import json
import re
import signal
import subprocess
import time
import uuid
from urllib.parse import quote

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

import wire
from browser import Chromium
from cutover import CONNECTION_ID, OTHER_CONNECTION_ID
from faulty import WRITING, Faults
from ports import free_port
from preload import days_ago, start_with
from programs import ROOT, program
from store_file import StoreFile

ASSETS = ROOT / "src/serve/assets"
SCRIPTS = ("dom.js", "rows.js", "summary.js", "table.js", "lists.js", "admin.js")
SCRIPT = "<script>window.ran = true</script>"
IMAGE = "<img src=x onerror='window.ran = true'>"
LONG = "a" * 440
LOOKS_LIKE_ACME = "acme\u200b"
LEGACY_URL = "https://legacy.example.net/saml/acs"
TEST_CONNECTION_ID = "saml-connection-test-51861cbc-d3b9-428b-9761-227f5fb12be9"
WIDE, PHONE = (1280, 900), (360, 740)
ON_A_PAGE = 50

ROWS = {
    "acme": {"connection_id": CONNECTION_ID, "label": "Acme (Okta)"},
    "globex": {"connection_id": OTHER_CONNECTION_ID, "label": "Globex (Entra ID)"},
    "initech": {"connection_id": TEST_CONNECTION_ID},
    "moving": {"connection_id": OTHER_CONNECTION_ID, "state": "legacy", "legacy_url": LEGACY_URL},
    "paused": {"connection_id": OTHER_CONNECTION_ID, "state": "disabled"},
    SCRIPT: {"connection_id": OTHER_CONNECTION_ID, "label": SCRIPT},
    IMAGE: OTHER_CONNECTION_ID,
    LONG: OTHER_CONNECTION_ID,
    LOOKS_LIKE_ACME: OTHER_CONNECTION_ID,
    **{f"tenant-{number:03}": f"saml-connection-live-{uuid.UUID(int=number)}" for number in range(60)},
}


class AdminPage(Chromium):
    """The browser, with an eye for this page."""

    def run(self, script, *arguments):
        return self._driver.execute_script(script, *arguments)

    def wait(self, condition, otherwise):
        self._wait(condition, otherwise)

    def look(self, size=WIDE, scheme="light"):
        """Through a window of this size, in this colour scheme."""
        width, height = size
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def visit(self, gateway, fragment=""):
        self.open("about:blank")
        self.open(page_url(gateway) + fragment)
        self.wait(lambda: self.status == "Live", "the page never gets a report")

    @property
    def status(self):
        return self.text("#status-text")

    def in_sight(self, selector):
        """Whether all of it is within the window, and nothing lies over it."""
        return self.run("""
            const element = document.querySelector(arguments[0]), { left, top, right, bottom } = element.getBoundingClientRect();
            return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight &&
                element.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2));""", selector)

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0]).textContent", selector)

    def shown(self, selector):
        return self.run("const e = document.querySelector(arguments[0]); return e !== null && e.checkVisibility()", selector)

    @property
    def words(self):
        """All that can be read."""
        return self.run("return document.body.innerText")

    def rows(self):
        """The table as it stands, a dictionary for each row."""
        return self.run("""
            return [...document.querySelectorAll("#table tbody")].map((body) => {
                const text = (selector) => body.querySelector(selector).textContent;
                return { identifier: text(".toggle"), about: text(".about"), state: text(".state"), hits: Number(text("td.hits").replaceAll(",", "")),
                         days: text(".days title"), seen: text(".seen"),
                         seen_at: body.querySelector(".seen time").dateTime };
            })""")

    def row(self, identifier):
        return next((row for row in self.rows() if row["identifier"] == identifier), None)

    def identifiers(self):
        return [row["identifier"] for row in self.rows()]

    def list(self, name):
        """The entries of one of the lists beside the table, as they read."""
        return self.run("return [...document.querySelectorAll(arguments[0])].map((item) => item.innerText)", f"#{name}-list li")

    def focus(self, selector):
        self.run("document.querySelector(arguments[0]).focus()", selector)

    def focused(self):
        return self.run("const e = document.activeElement; return e.id || e.dataset.sort || e.textContent")

    def press(self, *keys):
        ActionChains(self._driver).send_keys(*keys).perform()

    def search(self, words):
        self.focus("#search")
        self.run("document.activeElement.select()")
        self.press(words or Keys.DELETE)

    def allow_clipboard(self):
        self._driver.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})

    def clipboard(self):
        return self._driver.execute_async_script("navigator.clipboard.readText().then(arguments[0])")

    @contextlib.contextmanager
    def slow_line(self, bytes_a_second):
        conditions = {"offline": False, "latency": 50, "uploadThroughput": -1}
        self._driver.execute_cdp_cmd("Network.enable", {})
        self._driver.execute_cdp_cmd("Network.emulateNetworkConditions", {**conditions, "downloadThroughput": bytes_a_second})
        try:
            yield
        finally:
            self._driver.execute_cdp_cmd("Network.emulateNetworkConditions", {**conditions, "latency": 0, "downloadThroughput": -1})

    def console(self):
        return [entry["message"] for entry in self._driver.get_log("browser")]


def asset(*names):
    return b"".join((ASSETS / name).read_bytes() for name in names)


def page_url(gateway):
    return f"http://{gateway.config['admin']['address']}/"


def admin_get(gateway, target):
    host, _, port = gateway.config["admin"]["address"].rpartition(":")
    return wire.exchange((host, int(port)), wire.request_bytes("GET", target, f"{host}:{port}"))


def admin_config():
    return {"admin": {"address": f"127.0.0.1:{free_port()}"}, "legacy": {"allowed_hosts": ["legacy.example.net"]}}


@pytest.fixture(scope="module")
def gateway(make_shared_gateway):
    gateway = make_shared_gateway(**admin_config())
    gateway.load(ROWS, arguments=["-m", f"First wave {SCRIPT}"])
    return gateway.start()


@pytest.fixture(scope="module")
def module_browser(tmp_path_factory):
    browser = AdminPage(tmp_path_factory.mktemp("admin-chromium"))
    yield browser
    browser.close()


@pytest.fixture
def any_page(module_browser):
    module_browser.forget()
    module_browser.look()
    yield module_browser
    assert not module_browser.run("return window.ran"), "somebody's identifier ran as script"


@pytest.fixture
def page(any_page):
    """A page that ends without a word on the console: no fault of the script, nothing that the policy had to stop."""
    yield any_page
    assert any_page.console() == []


def hit(gateway, identifier):
    return gateway.get("/old-sso/" + quote(identifier, safe=""))


class TestThePageItself:
    def test_is_the_assets_in_one_file(self, gateway):
        html, elements = asset("admin.html"), "".join(f'<script src="{name}"></script>\n' for name in SCRIPTS).encode()
        assert html.count(elements) == 1
        expected = html.replace(b'<link rel="stylesheet" href="admin.css">', b"<style>" + asset("admin.css") + b"</style>")
        expected = expected.replace(elements, b"<script>" + asset(*SCRIPTS) + b"</script>\n")
        answer = admin_get(gateway, "/")
        assert answer.status == 200
        assert answer.header("Content-Type") == "text/html; charset=utf-8"
        assert answer.body == expected

    def test_may_run_its_own_style_and_script_and_nothing_else(self, gateway):
        policy = dict(part.strip().split(" ", 1) for part in admin_get(gateway, "/").header("Content-Security-Policy").split(";"))
        for directive, names in (("style-src", ["admin.css"]), ("script-src", SCRIPTS)):
            digest = hashlib.sha256(asset(*names)).digest()
            assert policy.pop(directive) == f"'sha256-{base64.b64encode(digest).decode()}'"
        assert policy.pop("connect-src") == "'self'"
        assert policy.pop("require-trusted-types-for", "'script'") == "'script'"
        assert policy == dict.fromkeys(("default-src", "base-uri", "form-action", "frame-ancestors"), "'none'")

    def test_asks_nobody_but_its_own_server(self, gateway, page):
        page.visit(gateway)
        asked = page.run("return performance.getEntriesByType('resource').map((entry) => entry.name)")
        assert set(asked) == {page_url(gateway) + "report.json"}

    def test_says_how_far_the_migration_is(self, gateway, page):
        page.visit(gateway)
        report = json.loads(admin_get(gateway, "/report.json").text)
        assert page.text("#verdict").startswith(report["verdict"].partition(".")[0]), "and what follows depends on the second"
        assert page.title == f"{report['states']['stytch']} of {len(ROWS)} cut over - ssoferry"
        words = ", ".join(f"{report['states'][state]} {state}" for state in ("stytch", "legacy", "disabled"))
        assert page.run("return document.getElementById('bar').ariaLabel") == f"Of {len(ROWS)} connections: {words}"
        widths = page.run("return [...document.querySelectorAll('.share')].map((share) => share.getBoundingClientRect().width)")
        assert widths[0] > 10 * widths[1] > 0 and widths[2] > 0
        assert "idle so far" in page.words and "idle for" not in page.words, "counting has just begun"


class TestWithoutAReload:
    @pytest.fixture
    def page(self, gateway, page):
        page.visit(gateway)
        page.run("window.never_reloaded = true")
        yield page
        assert page.run("return window.never_reloaded")

    def test_a_hit_shows(self, gateway, page):
        page.search("acme")
        before = page.row("acme")["hits"]
        hit(gateway, "acme")
        page.wait(lambda: page.row("acme")["hits"] == before + 1, "the hit is not counted on the page")
        [acme] = [row for row in json.loads(admin_get(gateway, "/report.json").text)["rows"] if row["identifier"] == "acme"]
        shown = page.row("acme")
        assert shown["seen_at"] == acme["last_seen"] and re.fullmatch(r"just now|\d+ (s|min) ago", shown["seen"])
        assert shown["days"].startswith(f"{before + 1} hit") and shown["days"].endswith(f": {max(acme['days'])}"), "at midnight, on two days"
        assert page.focused() == "search", "the focus went"
        assert page.run("return document.activeElement.value") == "acme", "the search went"

    def test_a_state_change_shows(self, gateway, page):
        assert page.row("acme")["state"] == "stytch"
        gateway.set("acme", "state=legacy", f"legacy_url={LEGACY_URL}")
        page.wait(lambda: page.row("acme")["state"] == "legacy", "still not legacy")
        gateway.set("acme", "state=stytch")
        page.wait(lambda: page.row("acme")["state"] == "stytch", "still legacy")

    def test_a_row_that_moves_keeps_the_focus(self, gateway, page):
        page.run("document.querySelector('[data-sort=hits]').click()")
        last = page.identifiers()[-1]
        page.run("[...document.querySelectorAll('.toggle')].at(-1).focus()")
        for _ in range(20):
            hit(gateway, last)
        page.wait(lambda: page.identifiers().index(last) < 5, "the row never rose")
        assert page.focused() == last

    def test_an_unknown_identifier_shows_with_what_was_meant(self, gateway, page):
        assert hit(gateway, "globexx").status == 404
        page.wait(lambda: any(item.startswith("globexx") for item in page.list("unknown")), "globexx does not show")
        item = next(item for item in page.list("unknown") if item.startswith("globexx"))
        assert "Did you mean globex?" in item
        page.run("[...document.querySelectorAll('#unknown-list li')].find((i) => i.innerText.startsWith('globexx')).querySelector('button').click()")
        assert page.identifiers() == ["globex"]

    def test_an_unknown_identifier_is_text(self, gateway, page):
        unknown = IMAGE.replace("img", "video")
        hit(gateway, unknown)
        page.wait(lambda: any(item.startswith(unknown) for item in page.list("unknown")), "it does not show as it was sent")

    def test_a_used_connection_leaves_the_retire_list(self, gateway, page):
        page.run("document.getElementById('retire-more').click()")
        assert any(item.startswith("tenant-030") for item in page.list("retire"))
        hit(gateway, "tenant-030")
        page.wait(lambda: not any(item.startswith("tenant-030") for item in page.list("retire")), "it is still to be retired")

    def test_a_revision_shows(self, gateway, page):
        gateway.loader("set", "--actor", "ops@bastion", "-m", "Quarterly review", "initech", "label=Initech")
        page.wait(lambda: "Quarterly review" in page.list("history")[0], "the revision does not show")
        assert "set" in page.list("history")[0] and "ops@bastion" in page.list("history")[0] and "1 changed" in page.list("history")[0]

    def test_the_revisions_say_what_rollback_keeps(self, gateway, page):
        """`rollback N` leaves the change of N as it is, so it does not take N back."""
        hint = page.run("return document.querySelector('#history + .hint').innerText")
        assert hint == "What N changed: ssoferry history --show N. The table as it was after N: ssoferry rollback N."
        gateway.set("acme", "label=kept")
        number = json.loads(gateway.loader("history", "--json", "--limit", 1).stdout)["revision"]
        gateway.set("acme", "label=lost")
        gateway.loader("rollback", number, "--yes")
        assert json.loads(gateway.loader("get", "--json", "acme").stdout)["label"] == "kept"


class TestWhatComesFromOutsideIsText:
    def test_in_the_table(self, gateway, page):
        page.visit(gateway, "#q=window.ran")
        assert page.identifiers() == [IMAGE, SCRIPT]
        assert page.row(SCRIPT)["about"] == SCRIPT
        assert page.run("return document.querySelectorAll('main script, main img').length") == 0

    def test_in_details_and_lists(self, gateway, page):
        page.visit(gateway, "#q=window.ran")
        page.run("document.querySelectorAll('.toggle').forEach((button) => button.click())")
        page.run("document.getElementById('retire-more')?.click(); document.getElementById('history-more')?.click()")
        assert SCRIPT in page.words
        assert any(SCRIPT in item for item in page.list("history"))
        assert page.run("return document.querySelectorAll('main script, main img').length") == 0

    def test_in_the_address(self, gateway, page):
        page.visit(gateway, "#q=" + quote(SCRIPT))
        assert page.identifiers() == [SCRIPT]

    def test_the_command_shown_is_safe_to_paste(self, gateway, page):
        page.visit(gateway, "#q=onerror")
        page.run("document.querySelector('.toggle').click()")
        assert "ssoferry set '<img src=x onerror='\\''window.ran = true'\\''>' state=legacy" in page.words

    def test_what_cannot_be_seen_is_written_out(self, gateway, page):
        page.visit(gateway, "#q=" + quote(LOOKS_LIKE_ACME))
        assert page.identifiers() == ["acme<U+200B>"]


class TestSearchAndOrder:
    @pytest.mark.parametrize("words, found", [
        ("globex", ["globex"]),
        ("GLOBEX", ["globex"]),
        ("entra", ["globex"]),
        ("id globex", ["globex"]),
        ("connection-test", ["initech"]),
        ("tenant-05", [f"tenant-05{digit}" for digit in range(10)]),
        ("tenant 7", [f"tenant-0{digit}7" for digit in range(6)]),  # and not whose connection id has a 7
        ("nobody", []),
    ])
    def test_search(self, gateway, page, words, found):
        page.visit(gateway)
        page.search(words)
        assert page.identifiers() == found
        page.wait(lambda: page.text("#count-heard") == f"{len(found)} of {len(ROWS)} connections", "the count is not said")
        assert page.shown("#table") == bool(found)
        assert page.shown("#none") != bool(found)
        page.search("")
        assert len(page.rows()) == ON_A_PAGE

    def test_shows_the_connection_id_that_was_searched_for(self, gateway, page):
        page.visit(gateway, "#q=connection-test")
        assert TEST_CONNECTION_ID in page.row("initech")["about"]

    @pytest.mark.parametrize("state, found", [("legacy", ["moving"]), ("disabled", ["paused"])])
    def test_filter(self, gateway, page, state, found):
        page.visit(gateway)
        page.focus("#filter")
        page.press(state)
        assert page.identifiers() == found

    def test_order_by_keyboard(self, gateway, page):
        hit(gateway, "tenant-059")
        page.visit(gateway, "#q=tenant")
        page.wait(lambda: max(row["hits"] for row in self.all(page)) > 0, "the hit is not counted on the page")
        page.focus("[data-sort=identifier]")
        page.press(Keys.ENTER)
        assert self.order(page) == {"identifier": "descending"}
        assert page.identifiers()[0] == "tenant-059"
        page.press(Keys.TAB, Keys.TAB, Keys.SPACE)
        assert self.order(page) == {"hits": "descending"}
        hits = [row["hits"] for row in page.rows()]
        assert hits == sorted(hits, reverse=True) and hits[0] > 0
        page.press(Keys.SPACE)
        assert self.order(page) == {"hits": "ascending"}
        assert page.rows()[0]["hits"] == 0
        assert page.focused() == "hits"

    @staticmethod
    def order(page):
        return page.run("return Object.fromEntries([...document.querySelectorAll('[aria-sort]')].map((e) => [e.firstChild.dataset.sort, e.ariaSort]))")

    @staticmethod
    def all(page):
        page.run("const next = document.getElementById('next'); if (!next.disabled) next.click()")
        return page.rows()

    def test_every_column_orders(self, gateway, page):
        page.visit(gateway, "#q=tenant")
        for column in ("state", "hits", "days", "seen", "identifier"):
            page.run("document.querySelector(arguments[0]).click()", f"[data-sort={column}]")
            assert list(self.order(page)) == [column]
            assert len(page.rows()) == ON_A_PAGE

    def test_a_link_brings_the_same_view(self, gateway, page):
        page.visit(gateway)
        page.search("tenant")
        page.run("document.querySelector('[data-sort=identifier]').click()")
        page.wait(lambda: page.url.endswith("#q=tenant&sort=identifier&dir=desc"), "the address does not follow")
        link = page.url[len(page_url(gateway)):]
        before = page.identifiers()
        page.visit(gateway, link)
        assert page.identifiers() == before
        assert page.run("return document.getElementById('search').value") == "tenant"

    def test_pages(self, gateway, page):
        page.visit(gateway)
        first = page.identifiers()
        assert len(first) == ON_A_PAGE
        page.focus("#next")
        page.press(Keys.ENTER)
        second = page.identifiers()
        assert len(second) == len(ROWS) - ON_A_PAGE and not set(first) & set(second)
        assert page.run("return document.getElementById('next').disabled")
        assert page.focused() == "connections", "the focus fell off a button that went"

    def test_details_by_keyboard(self, gateway, page):
        page.visit(gateway, "#q=globex")
        page.focus("#filter")
        page.press(*[Keys.TAB] * 6)
        assert page.focused() == "globex"
        page.press(Keys.ENTER)
        assert page.run("return document.activeElement.ariaExpanded") == "true"
        assert OTHER_CONNECTION_ID in page.words and "ssoferry set globex state=legacy" in page.words
        page.press(Keys.ENTER)
        assert OTHER_CONNECTION_ID not in page.words

    def test_the_retire_list_as_text(self, gateway, page):
        page.visit(gateway)
        report = json.loads(admin_get(gateway, "/report.json").text)
        page.allow_clipboard()
        page.focus("#copy")
        page.press(Keys.ENTER)
        page.wait(lambda: page.text("#copied").endswith("identifiers copied"), "nothing is said of the copy")
        assert sorted(page.clipboard().splitlines()) == sorted(row["identifier"] for row in report["rows"] if row["idle"])


class TestOnEveryScreen:
    @pytest.mark.parametrize("size", [WIDE, (768, 900), PHONE], ids=["wide", "tablet", "phone"])
    def test_nothing_reaches_past_the_edge(self, gateway, page, size):
        gateway.loader("set", "-m", f"customers_2026_11_23_{'batch_01_after_review_' * 3}.yaml, https://tickets.example.com/browse/{'SSO-1041?focused=' * 5}",
                       "initech", "label=Initech GmbH")
        page.look(size)
        page.visit(gateway)
        page.run("document.querySelectorAll('.toggle, .more').forEach((button) => button.click())")
        assert page.run("return document.documentElement.scrollWidth") <= size[0]
        wide = page.run("""
            const inside = (e) => { const box = e.getBoundingClientRect(); return box.width <= 1 || (box.left >= 0 && box.right <= innerWidth); };
            return [...document.querySelectorAll("main *")].filter((e) => e.checkVisibility() && !inside(e)).map((e) => e.outerHTML.slice(0, 100))""")
        assert wide == []

    def test_rows_stay_a_table_on_a_phone(self, gateway, page):
        page.look(PHONE)
        page.visit(gateway, "#q=globex")
        roles = page.run("return [...document.querySelectorAll('#table, #table *')].filter((e) => e.checkVisibility()).map((e) => e.role).filter(Boolean)")
        assert {role: roles.count(role) for role in roles} == {"table": 1, "rowgroup": 2, "row": 2, "columnheader": 5, "rowheader": 1, "cell": 4, "img": 1}
        assert page.row("globex")["about"] == "Globex (Entra ID)"

    @pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
    def test_colours_can_be_read_in_light_and_dark(self, gateway, page, size):
        grounds = {}
        for scheme in ("light", "dark"):
            page.look(size, scheme)
            page.visit(gateway)
            page.run("document.querySelector('.toggle').click()")
            faint = {}
            for words, text, ground, pixels, bold in page.run(_TEXTS):
                grounds.setdefault(scheme, []).append(luminance(ground))
                needed = 3 if pixels >= 24 or (bold and pixels >= 18.66) else 4.5  # WCAG 2.2, 1.4.3
                if contrast(text, ground) < needed:
                    faint[words] = contrast(text, ground)
            assert faint == {}
        assert min(grounds["light"]) > 0.8 and max(grounds["dark"]) < 0.05


# Each text that can be seen, with its colour, that of the nearest painted ground, and its size.
_TEXTS = """
    const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const ground = (e) => { const c = rgb(getComputedStyle(e).backgroundColor); return c[3] === 0 ? ground(e.parentElement) : c; };
    const found = [];
    for (const e of document.querySelectorAll("body *")) {
        const words = [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join("");
        const style = getComputedStyle(e);
        if (!words || !e.checkVisibility() || e.closest("svg, noscript, select, .heard, :disabled")) continue;
        found.push([words, rgb(style.color), ground(e), parseFloat(style.fontSize), style.fontWeight >= 600]);
    }
    return found;"""


def luminance(colour):
    """WCAG's relative luminance of (red, green, blue) from 0 to 255."""
    parts = [value / 255 for value in colour[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


class TestTheCommandShown:
    """What the details of a row say to type for its next state."""
    ODD = {  # an identifier, and the word for it
        "Contoso\u00a0Ltd": "$'Contoso\\xc2\\xa0Ltd'",
        " both ends  ": "$'\\x20both ends\\x20\\x20'",
        "o'hara\u200bfa\\n $x": "$'o\\'hara\\xe2\\x80\\x8bfa\\\\n $x'",
        "\U000e0041tag": "$'\\xf3\\xa0\\x81\\x81tag'",
        "visible 'one' $y\\n": "'visible '\\''one'\\'' $y\\n'",
    }

    @pytest.fixture(scope="class")
    def gateway(self, make_shared_gateway):
        gateway = make_shared_gateway(**admin_config())
        gateway.load({"moving": ROWS["moving"], "planned": {"state": "legacy", "legacy_url": LEGACY_URL},
                      **dict.fromkeys(self.ODD, OTHER_CONNECTION_ID)})
        return gateway.start()

    @staticmethod
    def command(gateway, page, identifier):
        page.visit(gateway, "#q=" + quote(identifier))
        page.run("document.querySelectorAll('.toggle[aria-expanded=false]').forEach((button) => button.click())")
        [command] = page.run("return [...document.querySelectorAll('.facts dd')].map((e) => e.textContent).filter((text) => text.startsWith('ssoferry set '))")
        return command

    def test_names_what_its_state_needs(self, gateway, page):
        assert self.command(gateway, page, "moving") == "ssoferry set moving state=stytch"
        assert self.command(gateway, page, "planned") == "ssoferry set planned state=stytch connection_id=ID"
        assert "connection_id" in gateway.loader("set", "planned", "state=stytch", "connection_id=ID", expect=2).stderr, "and is refused as it is"

    @pytest.mark.parametrize("identifier", ODD)
    def test_pasted_names_the_row_it_stands_by(self, gateway, page, identifier):
        command = self.command(gateway, page, identifier)
        assert command == f"ssoferry set {self.ODD[identifier]} state=legacy"
        assert page.run("return document.querySelectorAll('.facts .invisible').length") == 0
        loader = f"ssoferry() {{ '{program('ssoferry')}' -c '{gateway.config_path}' \"$@\" legacy_url={LEGACY_URL}; }}\n"
        subprocess.run(["bash", "-c", loader + command], check=True, timeout=60, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
        assert json.loads(gateway.loader("get", "--json", identifier).stdout)["state"] == "legacy"


class TestAtItsEdges:
    def start_without_the_revision_of(self, gateway, newcomer):
        """Once so many others have come that it is no longer kept, when the row was added is not known any more."""
        gateway.set(newcomer, f"connection_id={OTHER_CONNECTION_ID}")
        for number in range(50):
            gateway.set("acme", f"label=Acme {number}")
        gateway.start()

    def test_days_without_counting_are_told(self, make_gateway, page, monkeypatch):
        gateway = make_gateway(**admin_config())
        gateway.load({"acme": CONNECTION_ID})
        start_with(gateway, "clock", monkeypatch, CLOCK_BEHIND_DAYS=60)
        gateway.stop()
        gateway.start()
        page.visit(gateway)
        assert re.search(r"Nothing was counted on 3\d of the last 31 days: too early to retire any connection", page.words)

    def test_rows_that_may_be_new_are_told(self, at_noon, make_gateway, page, monkeypatch):
        gateway = make_gateway(**admin_config())
        with days_ago(gateway.directory, monkeypatch, 60):
            gateway.load({"acme": CONNECTION_ID})
            gateway.start()
        gateway.stop()
        StoreFile(gateway.store.with_name(gateway.store.name + ".usage")).remove_key(b"*\0days", database=b"hits")
        self.start_without_the_revision_of(gateway, "newco")
        page.visit(gateway)
        assert re.search(r"Connections added before .+ cannot be told from old ones: find out when those never seen were added before you retire any", page.words)

    def test_days_without_counting_come_before_rows_that_may_be_new(self, at_noon, make_gateway, page, monkeypatch):
        """Here as in `ssoferry report`: who was silent is not known, so nothing is to be found out about the rows yet."""
        gateway = make_gateway(**admin_config())
        with days_ago(gateway.directory, monkeypatch, 60):
            gateway.load({"acme": CONNECTION_ID})
            gateway.start()
        gateway.stop()
        self.start_without_the_revision_of(gateway, "newco")
        page.visit(gateway)
        assert re.search(r"Nothing was counted on 3\d of the last 31 days: too early to retire any connection", page.words)
        assert "cannot be told from old ones" not in page.words
        totals = gateway.report().totals
        assert (totals["doubt"], totals["may_retire"]) == ("days_missed", False) and totals["additions_known_since"]
        assert "too early to retire any rows: nothing was counted on 3" in gateway.loader("report", "--silent").stderr

    def test_nothing_loaded_says_what_to_do(self, make_gateway, page):
        gateway = make_gateway(**admin_config())
        gateway.start()
        page.visit(gateway)
        assert "Nothing is loaded yet" in page.words and "ssoferry load FILE" in page.words
        assert not page.shown("#table")
        gateway.load({"acme": CONNECTION_ID})
        page.wait(lambda: page.identifiers() == ["acme"], "the first load does not show")
        assert "Nothing is loaded yet" not in page.words
        assert "No requests yet" in page.words
        assert "too early to retire" in page.words
        assert not page.shown("#refused") and not page.shown("#observe")
        gateway.configure(routes=[{"match": f"/{name}/{{identifier}}", "legacy_url": "https://legacy.example.net/{identifier}",
                                   "observe": name != "b"} for name in "abcde"])
        gateway.signal(signal.SIGHUP)
        page.wait(lambda: page.shown("#observe"), "the rehearsal does not show")
        assert "but those by /a/{identifier}, /c/{identifier}, /d/{identifier} and 1 more route go to the legacy side." in page.text("#observe")
        assert page.title == "Rehearsal: 1 of 1 stytch - ssoferry" and "Rehearsal: too early to retire" in page.words
        assert page.text("#verdict").startswith("Rehearsal on some routes (observe): ") and "would be cut over" in page.text("#verdict")
        gateway.configure(observe=True)
        gateway.signal(signal.SIGHUP)
        page.wait(lambda: "all of them go to the legacy side" in page.text("#observe"), "the rehearsal of all does not show")
        gateway.config_path.write_text("nonsense: true\n")
        gateway.signal(signal.SIGHUP)
        page.wait(lambda: page.shown("#refused"), "the refused reload does not show")

    def test_a_lost_server_is_said_and_found_again(self, make_gateway, any_page):
        gateway = make_gateway(**admin_config())
        gateway.load({"acme": CONNECTION_ID})
        gateway.start()
        hit(gateway, "acme")
        any_page.visit(gateway)
        any_page.wait(lambda: any_page.row("acme")["hits"] == 1, "the hit is not counted")
        assert any_page.run("return getComputedStyle(document.getElementById('status')).position") == "static"
        gateway.stop()
        any_page.wait(lambda: any_page.status.startswith("Connection lost, retrying. As of "), "the loss is not said")
        assert any_page.identifiers() == ["acme"], "what was known is gone"
        for size in (WIDE, PHONE):
            for scheme in ("light", "dark"):
                any_page.look(size, scheme)
                for where in (0, 1e6):
                    any_page.run("window.scrollTo(0, arguments[0])", where)
                    assert any_page.in_sight("#status"), (size, where)
                assert any_page.run("return scrollY > 0") or size == WIDE
        seen = any_page.row("acme")["seen"]
        any_page.run("const now = Date.now; Date.now = () => now() + 3600e3")  # an hour later
        any_page.search("acme")
        assert any_page.row("acme")["seen"] == seen, "the clocks go on"
        any_page.search("")
        gateway.set("acme", "label=Back again")
        gateway.start()
        any_page.wait(lambda: any_page.status == "Live", "the server is not found again")
        any_page.wait(lambda: any_page.row("acme")["about"] == "Back again", "the page stays old")

    def test_what_is_not_counted_is_not_shown(self, make_gateway, page):
        """Nor that there is nothing."""
        gateway = make_gateway(usage=False, **admin_config())
        gateway.load({"acme": CONNECTION_ID})
        gateway.start()
        hit(gateway, "acme")
        hit(gateway, "nobody")
        page.visit(gateway)
        assert page.text("#counting") == "Hits, last uses and unknown identifiers are not counted. To count them, set usage: true and restart the daemon."
        for untrue in ("No requests yet", "never", " seen", "idle so far", "hits", "None so far", "been counted yet"):
            assert untrue not in page.words.partition("Show")[0].replace(page.text("#counting"), "") + page.words.partition("disabled\nidle\nfailed")[2], untrue
        assert not page.shown("td.hits") and not page.shown("td.seen") and not page.shown("#retire-list li") and not page.shown("#copy")
        assert page.text("#retire-hint") == "Counting is off: too early to retire any connection."
        assert page.text("#unknown-none") == "Not known."
        page.run("document.querySelector('.toggle').click()")
        columns = "return [document.querySelector('.detail td').colSpan, [...document.querySelectorAll('thead th')].filter((e) => e.checkVisibility()).length]"
        assert page.run(columns) == [2, 2]
        page.look(PHONE)
        assert page.run("return document.documentElement.scrollWidth") <= PHONE[0]

    def test_counts_that_cannot_be_written_are_told(self, make_gateway, page):
        gateway = make_gateway(**admin_config())
        gateway.load({"acme": CONNECTION_ID, "globex": OTHER_CONNECTION_ID})
        armed = gateway.directory / "armed"
        gateway.environment = Faults(gateway.directory, WRITING, errno.ENOSPC, 0, ".usage", armed).environment
        gateway.start()
        page.visit(gateway)
        assert "No requests yet" in page.words and not page.shown("#counting")
        armed.touch()
        hit(gateway, "acme")
        page.wait(lambda: page.shown("#counting"), "the page does not say so")
        assert page.text("#counting") == ("What is counted cannot be written: the figures lack it, until it can. "
                                          "The daemon's messages say why: journalctl -u ssoferryd")
        assert "No requests yet" not in page.words and "never" not in page.words
        assert (page.row("acme")["seen"], page.text("#retire-hint")) == ("not known", "Counts cannot be written: too early to retire any connection.")
        armed.unlink()
        page.wait(lambda: not page.shown("#counting"), "it is said for ever")
        page.wait(lambda: page.row("acme")["hits"] == 1, "what was counted meanwhile is lost")
        assert page.row("globex")["seen"] == "never"

    def test_a_report_that_takes_long_is_waited_for(self, make_gateway, page, monkeypatch):
        gateway = make_gateway(**admin_config())
        gateway.load({f"tenant-{number:03}": CONNECTION_ID for number in range(800)})
        slow = gateway.directory / "slow"
        slow.touch()
        start_with(gateway, "slow_report", monkeypatch, SLOW_WHILE=slow)
        page.open(page_url(gateway))
        began = time.monotonic()
        said = []

        def is_there():
            if page.status not in said:
                said.append(page.status)
            return page.row("tenant-000")

        page.wait(is_there, "it never comes")
        assert time.monotonic() - began > 15.5, "it came sooner than it would have been given up"
        assert said[:2] == ["Loading", "Waiting for the report"] and not any("lost" in status for status in said)
        page.wait(lambda: page.status.startswith("Live. As of "), "and is not said to be old")
        of = datetime.datetime.strptime(page.status, "Live. As of %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=datetime.UTC)
        assert 15 < (datetime.datetime.now(datetime.UTC) - of).total_seconds() < 60
        hit(gateway, "tenant-000")
        gateway.set("tenant-001", "label=later")
        page.run("window.asked = performance.getEntriesByName(location.origin + '/report.json').length")
        page.wait(lambda: page.run("return performance.getEntriesByName(location.origin + '/report.json').length > window.asked"), "it asks no more")
        assert page.row("tenant-001")["about"] == "" and page.status.startswith("Live. As of "), "for ten times as long as it took"

    def test_what_failed_shows_where_anything_has(self, make_gateway, page):
        gateway = make_gateway(**admin_config())
        gateway.load({name: ROWS[name] for name in ("acme", "globex", "moving")})
        gateway.start()
        page.visit(gateway)
        assert not page.shown("#failed") and not page.shown("td.failed")
        page.run("document.querySelector('.toggle').click()")
        columns = "return [document.querySelector('.detail td').colSpan, [...document.querySelectorAll('thead th')].filter((e) => e.checkVisibility()).length]"
        assert page.run(columns) == [5, 5], "the details make a column of their own"
        for _ in range(2):
            assert gateway.get("/old-sso/moving", host="legacy.example.net").status == 508
        page.wait(lambda: page.shown("#failed"), "no failure shows")
        assert page.run(columns) == [6, 6]
        page.run("document.querySelector('.toggle').click()")
        assert "Requests for 1 connection have failed since counting began." in page.text("#verdict")
        failed = "return [...document.querySelectorAll('#table tbody')].map((body) => body.querySelector('td.failed')).filter((e) => e.checkVisibility()).map((e) => e.innerText)"
        page.wait(lambda: page.run(failed) == ["0", "0", "2"], "the second failure does not show")
        page.run("document.querySelector('[data-sort=failed]').click()")
        assert page.run(failed) == ["2", "0", "0"]
        page.focus("#filter")
        page.press("failed")
        assert page.identifiers() == ["moving"]
        page.look(PHONE)
        page.visit(gateway, "#q=")
        assert page.run(failed) == ["2"], "a card says so only where something failed"
        assert page.run("return document.documentElement.scrollWidth") <= PHONE[0]

    def test_a_slow_line_is_waited_for_as_long_as_anything_comes(self, make_gateway, page):
        gateway = make_gateway(**admin_config())
        gateway.load({f"tenant-{number:05}": CONNECTION_ID for number in range(10000)})
        gateway.start()
        size = len(admin_get(gateway, "/report.json").body)
        page.open("about:blank")
        with page.slow_line(size / 25):
            page.open(page_url(gateway))
            began = time.monotonic()
            said = []
            while not page.rows():
                if page.status != (said or [None])[-1]:
                    said.append(page.status)
                assert time.monotonic() - began < 60, said
                time.sleep(0.2)
        assert time.monotonic() - began > 16, "it came sooner than it would have been given up"
        assert not any("lost" in words for words in said), said
        megabytes = [float(words) for words in re.findall(r"Loading, ([\d.]+) MB so far", "; ".join(said))]
        assert len(megabytes) > 3 and megabytes == sorted(megabytes) and megabytes[-1] <= size / 1e6
        page.wait(lambda: page.status == "Live", "and is not live afterwards")

    def test_more_rows_than_it_takes(self, make_gateway, page):
        gateway = make_gateway(**admin_config())
        file = gateway.directory / "many.yaml"
        file.write_text("version: 1\nconnections:\n" + "".join(f"  tenant-{number:05}: {CONNECTION_ID}\n" for number in range(10001)))
        gateway.loader("load", file)
        gateway.start()
        page.visit(gateway)
        assert "first 10,000 of 10,001 connections" in page.text("#truncated") and "ssoferry report" in page.text("#truncated")
        assert page.shown("#truncated")
        assert len(page.rows()) == ON_A_PAGE
        page.search("09999")
        assert page.identifiers() == ["tenant-09999"]
        page.search("tenant 9998")
        assert page.identifiers() == ["tenant-09998"]
        page.search("tenant-10000")
        assert page.text("#none").startswith("None of the first 10,000 connections is like that."), "it is there, though"
        assert "ssoferry get ID" in page.text("#none") and "ssoferry list --match '*PART*'" in page.text("#none")

        assert page.text("#retire-hint").endswith("These are of the first 10,000 connections; ssoferry report --silent has all.")
        page.allow_clipboard()
        page.focus("#copy")
        page.press(Keys.ENTER)
        page.wait(lambda: page.text("#copied") == "10,000 identifiers copied, of the first 10,000 connections", "the copy is taken for the whole list")

