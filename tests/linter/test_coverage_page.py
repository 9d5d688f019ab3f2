"""The coverage page in a real browser: what it shows, by keyboard, in the light and in the dark, of many files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import CHROMIUM, WHY_NOT, Browser, browser
from project_folders import golden_rules, write

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT)

CARRIER = '''\
import time

import httpx

from golden_runtime import track_adapter_request


class Carrier:
    def __init__(self, url):
        self.client = httpx.Client(base_url=url)

    @track_adapter_request("http")
    def book(self, order):
        return self.client.post("/parcels", json=order).json()

    def cancel(self, parcel):
        """Cancel a parcel: <b>"ä"</b> & </script>."""
        return self.client.delete(f"/parcels/{parcel}").json()

    def timed(self, parcel):
        start = time.perf_counter()
        answer = self.client.get(f"/parcels/{parcel}").json()
        parcel.log.info(f"took {time.perf_counter() - start} s")
        return answer
'''
PAY = 'import httpx\n\n\ndef charge(order):\n    """Charge."""\n    return httpx.post("https://pay.example").json()\n'
PROFILE = 'profile = "comprehensive"\n'


def make_page(folder: Path) -> Path:
    """Write the page of a folder's sources."""
    done = golden_rules(folder, "coverage", "--format", "html")
    assert done.returncode == 0, done.stderr
    page = folder / "page.html"
    page.write_text(done.stdout, encoding="utf-8")
    return page


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a project with two apps."""
    files = {"src/shop/carrier.py": CARRIER, "src/pay/api.py": PAY, "golden-rules.toml": PROFILE}
    return make_page(write(tmp_path_factory.mktemp("shop"), files))


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The browser that the tests share."""
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture
def tab(started: Browser, page: Path) -> Browser:
    """The page, freshly opened."""
    started.command("Page.navigate", url="about:blank")
    started.command("Emulation.setEmulatedMedia", features=[])
    started.asked.clear()
    started.errors.clear()
    started.open(page)
    return started


def texts(tab: Browser, selector: str) -> list[str]:
    """The texts of elements."""
    found: list[str] = tab.evaluate(
        f"[...document.querySelectorAll({selector!r})].map((one) => one.textContent.trim())"
    )
    return found


def test_the_page_needs_no_network(tab: Browser, page: Path) -> None:
    """It asks for itself and nothing else, also when a source is opened, and no program of it goes wrong."""
    tab.evaluate("location.hash = '#/file/src%2Fpay%2Fapi.py'")
    tab.wait("document.querySelectorAll('#code .row').length > 0")
    assert {url.partition("#")[0] for url in tab.asked} == {page.as_uri()}
    assert tab.errors == []


def test_a_narrow_window_never_scrolls_sideways(tab: Browser, tmp_path: Path) -> None:
    """Whatever functions are called, what is too wide for a telephone scrolls by itself, not the page."""
    (tmp_path / "a.py").write_text(PAY.replace("charge", "charge_" + "x" * 60), encoding="utf-8")
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    tab.command("Emulation.setDeviceMetricsOverride", **size)
    try:
        tab.open(make_page(tmp_path))
        assert tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    finally:
        tab.command("Emulation.clearDeviceMetricsOverride")


def test_it_says_what_the_command_says(tab: Browser, page: Path) -> None:
    """The sentence of the text report, its shares, and the functions that nothing measures, the most critical first."""
    text = golden_rules(page.parent, "coverage").stdout
    (sentence,) = texts(tab, "#sentence")
    assert sentence in text
    assert texts(tab, "#apps tbody td.path") == ["pay", "shop"]
    assert texts(tab, "#apps tbody td.number") == ["1", "0 (0 %)", "3", "1 (33 %)"]
    listed = [row.split("`")[1] for row in text.split("nothing measures:")[1].splitlines() if "`: " in row]
    assert texts(tab, "#worst a") == listed


def test_sources_show_what_is_marked(tab: Browser) -> None:
    """Each line of a function has its colour, and a line above the function says why."""
    tab.evaluate("location.hash = '#/file/src%2Fshop%2Fcarrier.py:16'")
    tab.wait("document.activeElement.className.includes('why')")
    lines = {
        kind: [int(number) for number in texts(tab, f"#code .row.{kind} .number")]
        for kind in ("measured", "unmeasured", "hand")
    }
    assert lines == {"measured": [12, 13, 14], "unmeasured": [16, 17, 18], "hand": [20, 21, 22, 23, 24]}
    assert tab.evaluate("document.activeElement.textContent").startswith("Carrier.cancel: not measured, ")
    assert any("GR201" in why for why in texts(tab, "#code .why.hand"))
    assert """        \"\"\"Cancel a parcel: <b>"ä"</b> & </script>.\"\"\"""" in tab.evaluate(
        "document.querySelectorAll('#code .row')[16].textContent"
    )


def test_a_function_is_found_and_read_by_keyboard(tab: Browser) -> None:
    """Slash, a name, tab, enter; `n` and `p` go through the functions, escape back to where one was."""
    tab.press("/")
    for letter in "cancel":
        tab.press(letter)
    assert texts(tab, "#files a") == ["src/shop/carrier.py"]
    tab.press("Tab")
    tab.press("Enter")
    tab.wait("document.querySelectorAll('#code .row').length > 0 && document.activeElement.id === 'source-title'")
    names = []
    for key in "nnnp":
        tab.press(key)
        names.append(tab.evaluate("document.activeElement.textContent").partition(":")[0])
    assert names == ["Carrier.book", "Carrier.cancel", "Carrier.timed", "Carrier.cancel"]
    tab.press("Escape")
    tab.wait("!document.getElementById('overview').hidden")
    assert tab.evaluate("document.activeElement.textContent") == "src/shop/carrier.py"


def test_the_map_is_walked_by_keyboard(tab: Browser) -> None:
    """One stop for tab; arrows go to the neighbour that way, enter opens, and each tile says what it is."""
    assert tab.evaluate("document.querySelectorAll('#map button[tabindex=\"0\"]').length") == 1
    tab.evaluate("document.querySelector('#map button').focus()")
    said = [tab.evaluate("document.activeElement.ariaLabel")]
    for key in ("ArrowDown", "ArrowRight", "ArrowDown"):
        tab.press(key)
        said.append(tab.evaluate("document.activeElement.ariaLabel"))
    assert said[0] == "shop: 1 of 3 measured, 33 %, 24 lines"
    assert "carrier.py: 1 of 3 measured, 33 %, 24 lines" in said
    assert "api.py: 0 of 1 measured, 0 %, 6 lines" in said
    tab.press("Enter")
    tab.wait("!document.getElementById('source').hidden")


def test_tiles_fill_the_map_by_lines_of_code(tab: Browser) -> None:
    """The areas of the packages are as their lines."""
    areas = tab.evaluate(
        "Object.fromEntries(['shop', 'api.py', 'carrier.py', 'pay'].map((name) => { const tile = [...document"
        ".querySelectorAll('#map button')].find((one) => one.ariaLabel.startsWith(name + ':'));"
        " return [name, tile.offsetWidth * tile.offsetHeight]; }))"
    )
    shop, pay = areas["shop"] + areas["carrier.py"], areas["pay"] + areas["api.py"]
    assert shop / pay == pytest.approx(24 / 6, rel=0.05)


CONTRAST = """
(() => {
  const light = (text) => { const [r, g, b] = text.match(/[\\d.]+/g).map((part) => { const c = part / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const solid = (one) => { for (let at = one; at; at = at.parentElement) { const found = getComputedStyle(at).backgroundColor;
    if (found.startsWith('rgb(')) return found; } return 'rgb(255, 255, 255)'; };
  return [...document.querySelectorAll('#sentence, .note, a, td, th, #code .row, #code .why, #code .number')]
    .filter((one) => one.offsetParent && one.textContent.trim()).map((one) => { const [low, high] =
      [light(getComputedStyle(one).color), light(solid(one))].sort((a, b) => a - b); return (high + 0.05) / (low + 0.05); });
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_the_light_and_in_the_dark(tab: Browser, scheme: str) -> None:
    """The page follows the reader's choice, and all text has the contrast of 4.5 that WCAG's level AA asks for."""
    tab.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    ratios = tab.evaluate(CONTRAST)
    tab.evaluate("location.hash = '#/file/src%2Fshop%2Fcarrier.py'")
    tab.wait("document.querySelectorAll('#code .row').length > 0")
    ratios += tab.evaluate(CONTRAST)
    assert len(ratios) > 50
    assert min(ratios) >= 4.5
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")


def test_five_thousand_files_make_a_page_of_few_elements(started: Browser, tmp_path: Path) -> None:
    """What is not looked at is neither unpacked nor built, and the last of the files opens like any other."""
    for number in range(5_000):
        folder = tmp_path / f"src/shop/part{number % 50}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"module{number}.py").write_text(PAY.replace("charge", f"charge_{number}"))
    (tmp_path / "golden-rules.toml").write_text("")
    page = make_page(tmp_path)
    assert page.stat().st_size < 1_500_000
    started.open(page)
    assert started.evaluate("document.querySelectorAll('*').length") < 4_000
    started.evaluate("location.hash = '#/file/src%2Fshop%2Fpart49%2Fmodule4999.py'")
    started.wait("document.querySelectorAll('#code .row').length === 6")
    assert "charge_4999" in started.evaluate("document.getElementById('code').textContent")
