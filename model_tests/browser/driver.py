"""A browser without a window, and the page in it.

Selenium is not in the environment but beside it, so it has no types here: what is said to
it is said in this module only.
"""

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, final

from bench.beside import ROOT, Beside

SELENIUM: Final = Beside("browser", ROOT / "model_tests" / "browser" / "requirements.txt")
PICTURES: Final = ROOT / "build" / "page-test"
CHROMIUM: Final = ("chromium", "chromium-browser", "google-chrome")
DRIVERS: Final = ("chromedriver", "chromium.chromedriver")
#: What a user with the default settings has; and one with a telephone.
WIDE: Final = (1280, 1000)
NARROW: Final = (360, 740)


def program(names: Sequence[str]) -> str | None:
    """Return where one of some programs is."""
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def browser() -> "Iterator[Page]":
    """Start a browser; end it."""
    if str(SELENIUM.folder()) not in sys.path:
        sys.path.append(str(SELENIUM.folder()))
    webdriver: Any = import_module("selenium.webdriver")  # it has no types here
    service: Any = import_module("selenium.webdriver.chrome.service")  # nor has this
    options = webdriver.ChromeOptions()
    options.binary_location = program(CHROMIUM)
    for each in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(each)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=service.Service(program(DRIVERS)))
    try:
        yield Page(started)
    finally:
        started.quit()


_SEEN: Final = """
const all = (selector, what) => [...document.querySelectorAll(selector)].map(what);
return {
  variables: window.foregone.variables(),
  offered: all("#actions button", (each) => each.dataset.action),
  rooms: Object.fromEntries(all("[data-room]", (room) => [room.dataset.room,
    [...room.querySelectorAll(".call")].map((call) => Number(call.textContent))])),
  processes: all("#processes .text", (each) => each.innerText),
  executor: document.querySelector("#executor .text").innerText,
  worker: document.querySelector("#worker .text").innerText,
  story: all("#story li", (each) => each.innerText.trim()),
};
"""


@final
@dataclass(frozen=True)
class Seen:
    """What the page says, and what a user sees of it."""

    variables: dict[str, object]
    offered: list[str]  # from the first button to the last
    rooms: dict[str, list[int]]
    processes: list[str]
    executor: str
    worker: str
    story: list[str]


@final
@dataclass
class Page:
    """The page, as its user sees it."""

    driver: Any  # selenium's, which has no types here

    @property
    def version(self) -> str:
        """Of the browser."""
        return f"Chromium {self.driver.capabilities['browserVersion']}"

    def open(self, file: Path, size: tuple[int, int] = WIDE, *, dark: bool = False) -> None:
        """Open a file as a user does, from disk."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.get(file.as_uri())

    def run(self, script: str, *arguments: object) -> Any:  # noqa: ANN401  what JavaScript returns
        """Return what a script returns."""
        return self.driver.execute_script(script, *arguments)

    def variables(self) -> dict[str, object]:
        """Return what the page says is shown."""
        return self.seen().variables

    def offered(self) -> list[str]:
        """Return what the buttons offer, from the first to the last."""
        return self.seen().offered

    def rooms(self) -> dict[str, list[int]]:
        """Return which calls a user sees in which room."""
        return self.seen().rooms

    def seen(self) -> "Seen":
        """Return all of that, and what stands in the rooms, at one time."""
        return Seen(**self.run(_SEEN))

    def take(self, action: str) -> None:
        """Click a button that offers an action."""
        self.click(f"#actions button[data-action={json.dumps(action)}]")

    def click(self, selector: str) -> None:
        """Click an element."""
        self.driver.find_element("css selector", selector).click()

    def choose(self, number: int) -> None:
        """Choose a scene."""
        self.run(
            "const s = document.getElementById('scene'); s.value = arguments[0];"
            "s.dispatchEvent(new Event('change'))",
            str(number),
        )

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        chains: Any = import_module("selenium.webdriver").ActionChains  # no types here
        for key in keys:
            chains(self.driver).send_keys(key).perform()

    def load(self, file: Path) -> None:
        """Load a recorded run, as a user does; return when it has been read."""
        self.driver.find_element("css selector", "#load").send_keys(str(file))
        self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1], input = document.getElementById('load');"
            "const look = () => input.value === '' ? done() : setTimeout(look, 5); look();"
        )

    def scrub(self, number: int) -> None:
        """Move the slider."""
        self.run(
            "const s = document.getElementById('scrub'); s.value = arguments[0];"
            "s.dispatchEvent(new Event('input'))",
            str(number),
        )

    def text(self, selector: str) -> str:
        """Return the text of an element."""
        found: str = self.run("return document.querySelector(arguments[0]).innerText", selector)
        return found

    def story(self) -> list[str]:
        """Return the lines of the run so far."""
        return self.seen().story

    def wrong(self) -> list[str]:
        """Return those lines of it that are marked."""
        found: list[str] = self.run(
            "return [...document.querySelectorAll('#story li.wrong')].map(e => e.innerText.trim())"
        )
        return found

    def alert(self) -> str:
        """Return what the page warns of, or ""."""
        shown: bool = self.run("return !document.getElementById('alert').hidden")
        return self.text("#alert") if shown else ""

    def errors(self) -> list[str]:
        """Return what the console has had to say since the last look."""
        return [str(each["message"]) for each in self.driver.get_log("browser")]

    def fetched(self) -> list[str]:
        """Return what the page has fetched beside itself."""
        found: list[str] = self.run(
            "return performance.getEntriesByType('resource').map(each => each.name)"
        )
        return found

    def picture(self, name: str) -> Path:
        """Keep what is seen, once nothing moves any more."""
        self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "Promise.allSettled(document.getAnimations().map((each) => each.finished)).then(done)"
        )
        PICTURES.mkdir(parents=True, exist_ok=True)
        file = PICTURES / f"{name}.png"
        self.driver.save_screenshot(str(file))
        return file
