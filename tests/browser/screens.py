"""Takes a picture of every state into docs/screens/: ``python -m tests.browser.screens``.

Real pages against the real server. Only what a healthy server never says (paused, draining, slow down) and how many
people are free is put on the wire by hand. Each state is taken at 360x740 and 1440x900, light and dark.
"""

import argparse
import io
import json
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from PIL import Image
from playwright.sync_api import Browser, Page, WebSocketRoute, expect, sync_playwright

from tests.browser.serving import BROWSER, FLAGS, Served
from tests.browser.walking import FROM_OUTSIDE, PAGE_MS, bubble, choose, composer, enter, meet, seek, until, write

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
SIZES = {"phone": (360, 740), "desktop": (1440, 900)}
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
KINDS = [(size, scheme) for size in SIZES for scheme in SCHEMES]
COLOURS = 48
STYLE = Path(__file__).parents[2] / "citychat" / "static" / "style"
OURS = {
    (int(r, 16), int(g, 16), int(b, 16))
    for sheet in ("tokens", "people")
    for r, g, b in re.findall(r"#(\w\w)(\w\w)(\w\w)", (STYLE / f"{sheet}.css").read_text("utf-8"))
}
# The 5 s in which leaving can be undone are a minute: so long do pictures take
NO_HASTE = "{ const later = setTimeout; window.setTimeout = (call, ms) => later(call, ms === 5_000 ? 60_000 : ms); }"
NO_ANSWER = "navigator.geolocation.getCurrentPosition = () => undefined"


class BrowserProfile:
    """One browser profile with one page, whose wire can be spoken on."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.context = browser.new_context(viewport={"width": 360, "height": 740}, locale="en-GB", **options)
        self.context.set_default_timeout(PAGE_MS)
        self.page = self.context.new_page()
        self.wires: list[WebSocketRoute] = []
        self.cut = self.mute = False
        self.page.route_web_socket("**/socket.io/**", self._wire)
        self.url = url

    def open(self) -> Page:
        self.page.goto(self.url)
        return self.page

    def say(self, event: str, payload: object) -> None:
        """As if the server had said it."""
        namespace = "/chat" if event.startswith("chat-") else "/user"
        self.wires[-1].send(f"42{namespace},{json.dumps([event, payload])}")

    def _wire(self, wire: WebSocketRoute) -> None:
        if self.cut:
            wire.close()
            return
        if self.mute:  # opened, and then nothing
            return
        wire.connect_to_server()
        self.wires.append(wire)

    def unplug(self) -> None:
        self.cut = True
        self.wires[-1].close()


class Eye(Protocol):
    """Interface of who looks at each state."""

    def take(self, name: str, page: Page) -> None: ...


class Camera:
    """``kinds``: sizes and schemes in which each state is taken."""

    def __init__(self, folder: Path, kinds: Sequence[tuple[str, Scheme]] = KINDS) -> None:
        self.folder, self.kinds = folder, kinds
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, name: str, page: Page) -> None:
        for size, scheme in self.kinds:
            width, height = SIZES[size]
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.mouse.move(0, 0)
            page.wait_for_timeout(60)
            self._keep(f"{name}-{size}-{scheme}.png", page.screenshot(animations="disabled", caret="hide"))
        page.set_viewport_size({"width": 360, "height": 740})

    def _keep(self, name: str, png: bytes) -> None:
        picture = Image.open(io.BytesIO(png)).convert("RGB")
        picture.quantize(palette=palette(picture), dither=Image.Dither.NONE).save(self.folder / name, optimize=True)


def palette(picture: Image.Image) -> Image.Image:
    """The design's own colours, then the most frequent others: a lamp of 40 pixels stays a lamp."""
    counts = cast("list[tuple[int, tuple[int, int, int]]]", picture.getcolors(1 << 24))
    found = [colour for _, colour in sorted(counts, reverse=True)]
    ours = [colour for colour in found if colour in OURS]
    chosen = (ours + [colour for colour in found if colour not in OURS])[:COLOURS]
    holder = Image.new("P", (1, 1))
    holder.putpalette([part for colour in chosen for part in colour])
    return holder


def before(camera: Eye, browser: Browser, url: str) -> None:
    """Arriving, the position, the city; and the pages without a guest."""
    one = BrowserProfile(browser, url)
    page = one.open()
    camera.take("01-arrive", page)
    page.get_by_role("button", name="Start with my city").click()
    camera.take("02-arrive-tick", page)
    page.goto(f"{url}/rules")
    camera.take("60-rules", page)
    page.goto(f"{url}/nowhere")
    camera.take("61-missing", page)
    one.context.close()

    one = BrowserProfile(browser, url, permissions=["geolocation"])
    one.page.add_init_script(NO_ANSWER)
    one.page.clock.install()
    page = one.open()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Start with my position").click()
    camera.take("03-position", page)
    page.clock.fast_forward(11_000)
    camera.take("04-position-slow", page)
    one.context.close()

    one = BrowserProfile(browser, url, java_script_enabled=False)
    camera.take("62-no-javascript", one.open())
    one.context.close()

    one = BrowserProfile(browser, url)
    one.page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('refused'); } })")
    enter(one.open())
    camera.take("63-nothing-kept", one.page)
    one.context.close()

    one = BrowserProfile(browser, url)
    one.mute = True
    page = one.open()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Start with my city").click()
    expect(page.get_by_text("Loading…")).to_be_visible()
    camera.take("05-loading", page)
    one.context.close()

    one = BrowserProfile(browser, url)
    one.cut = True
    page = one.open()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Start with my city").click()
    expect(page.get_by_text("Your network blocks live connections")).to_be_visible()
    camera.take("06-blocked", page)
    one.context.close()


def alone(camera: Eye, browser: Browser, url: str) -> None:
    one = BrowserProfile(browser, url, extra_http_headers=FROM_OUTSIDE)
    page = one.open()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Start with my city").click()
    field = page.get_by_role("combobox")
    expect(field).to_be_focused()
    camera.take("07-city", page)
    field.fill("Ly")
    expect(page.get_by_role("option").first).to_be_visible()
    field.press("ArrowDown")
    camera.take("08-city-found", page)
    field.fill("Qqqq")
    expect(page.get_by_text("No city by that name")).to_be_visible()
    camera.take("09-city-none", page)
    choose(page)
    expect(page.get_by_role("button", name="Find someone")).to_be_visible()
    camera.take("10-ready-none", page)
    for free in ("few", "many"):
        one.say("user-nearby", {"free_nearby": free})
        camera.take(f"11-ready-{free}", page)
    one.say("user-nearby", {"free_nearby": "none"})
    seek(page)
    camera.take("15-looking", page)
    one.say("user-seek", {"state": "next"})
    camera.take("16-looking-next", page)
    one.say("user-seek", {"state": "asking"})
    camera.take("17-looking-asking", page)
    one.say("user-seek", {"state": "waiting"})
    expect(page.get_by_role("button", name="Share this page")).to_be_visible()
    camera.take("18-alone", page)
    offer = {"offer": "AAAAAAAAAAAAAAAAAAAAAA", "city": "Lyon", "seconds": 15, "looking": True}
    one.say("user-offer", offer)
    camera.take("19-found", page)
    one.say("user-offer-end", {"offer": offer["offer"], "looking": False})
    expect(page.get_by_role("button", name="Keep looking")).to_be_visible()
    camera.take("20-still-there", page)
    one.say("user-offer", offer | {"looking": False})
    page.wait_for_timeout(1_200)
    camera.take("21-asked", page)
    one.say("user-offer-end", {"offer": offer["offer"], "looking": False})
    camera.take("22-asked-over", page)
    page.get_by_role("button", name="My chats").click()
    camera.take("23-chats-empty", page)
    page.get_by_role("button", name="Back").click()
    page.get_by_role("button", name="More").click()
    camera.take("24-more", page)
    page.get_by_role("button", name="Erase everything about me").click()
    camera.take("25-erase", page)
    page.get_by_role("button", name="Erase everything", exact=True).click()
    expect(page.get_by_role("heading", name="Everything about you is erased")).to_be_visible()
    camera.take("26-erased", page)
    one.context.close()


def together(camera: Eye, browser: Browser, url: str) -> None:
    one, two = BrowserProfile(browser, url), BrowserProfile(browser, url)
    a, b = one.open(), two.open()
    enter(a)
    enter(b)
    meet(a, b)
    camera.take("30-talk-new", a)
    write(b, "Hey. Is it raining where you are too?")
    for text in ("It stopped ten minutes ago. The tram was a swimming pool.", "Are you near the river?"):
        write(a, text)
    write(b, "Close enough to hear the geese complain about it.")
    write(b, "I was going to walk home but I think I will wait with a coffee first.")
    expect(bubble(a, "wait with a coffee first")).to_be_visible()
    write(a, "Good plan. Which place?")
    expect(a.get_by_text("Delivered", exact=True)).to_be_visible()
    composer(b).press_sequentially("The o", delay=700)
    expect(a.get_by_role("img", name="is typing")).to_be_visible()
    camera.take("31-talk", a)
    undoing(camera, a)
    a.get_by_role("button", name="Leave").click()
    camera.take("32-leave", a)
    a.get_by_role("button", name="Stay").click()
    a.get_by_role("button", name="Block or report").click()
    camera.take("33-defend", a)
    a.get_by_role("button", name="Report", exact=True).click()
    a.get_by_role("radio").nth(4).check()
    camera.take("34-report", a)
    a.get_by_role("button", name="Close").click()
    one.say("chat-busy", {"s": session(a), "retry_ms": 4_000})
    camera.take("35-busy", a)
    until(lambda: a.locator(".below .strip").is_hidden())
    two.context.set_offline(True)
    two.unplug()
    expect(a.get_by_text("Just went away")).to_be_visible()
    write(a, "Are you still there?")
    expect(a.get_by_text("Kept by the server")).to_be_visible()
    camera.take("36-away", a)
    one.unplug()
    write(a, "I keep typing.")
    expect(a.get_by_text("Reconnecting. You can keep typing.")).to_be_visible()
    camera.take("37-reconnecting", a)
    for person in (one, two):
        person.cut = False
    two.context.set_offline(False)
    for page in (a, b):
        page.evaluate("dispatchEvent(new Event('online'))")
    expect(a.get_by_text("Delivered", exact=True)).to_be_visible()
    one.say("user-drain", {"retry_ms": 60_000})
    expect(a.get_by_text("The server is restarting")).to_be_visible()
    camera.take("38-draining", a)
    a.evaluate("dispatchEvent(new Event('online'))")
    expect(a.get_by_text("The server is restarting")).to_be_hidden()
    hard_texts(a, b)
    camera.take("39-hard-texts", a)
    leaving(camera, a, b)
    second = one.context.new_page()
    second.goto(url)
    expect(a.get_by_role("button", name="Use it here")).to_be_visible()
    camera.take("50-second-window", a)
    facts = {
        "until": 1_800_000_000_000, "reason": "threats", "rule": "3", "automatic": False, "reference": "EYTPEL2MF7",
        "objection": "", "answer": "", "contact": "host@example.org", "network": False,
    }  # fmt: skip
    two.say("user-banned", facts)
    camera.take("51-paused", b)
    for person in (one, two):
        person.context.close()


def undoing(camera: Eye, a: Page) -> None:
    write(a, "Call me: +49 171 1234567")
    expect(a.get_by_text("This looks like a phone number")).to_be_visible()
    camera.take("47-nudge", a)
    a.evaluate(NO_HASTE)
    a.get_by_role("button", name="Leave").click()
    a.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(a.get_by_role("button", name="Undo")).to_be_focused()
    camera.take("48-undo", a)
    a.get_by_role("button", name="Undo").click()
    composer(a).fill("")


def hard_texts(a: Page, b: Page) -> None:
    write(b, "שלום, מה שלומך היום? יורד גשם?")
    write(b, "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2)
    expect(a.locator(".bubble").filter(has_text="Donau")).to_be_visible()
    write(a, "One line\nanother line\n\n<b>not bold</b> & https://example.org/a/very/long/address?with=" + "x" * 60)
    write(a, "✓")
    expect(a.get_by_text("Delivered", exact=True)).to_be_visible()


def leaving(camera: Eye, a: Page, b: Page) -> None:
    b.get_by_role("button", name="Leave").click()
    b.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(a.get_by_role("button", name="Talk again")).to_be_visible()
    camera.take("40-left", a)
    camera.take("41-you-left", b)
    a.get_by_role("button", name="Talk again").click()
    camera.take("42-talk-again", a)
    a.get_by_role("button", name="Find someone").click()
    a.get_by_role("button", name="Stop looking").click()
    a.get_by_role("button", name="My chats").click()
    camera.take("43-chats", a)
    a.reload()
    a.get_by_role("button", name="My chats").click()
    a.get_by_role("main").get_by_role("button").nth(1).click()
    expect(a.get_by_role("button", name="Block or report")).to_be_visible()
    camera.take("44-past", a)
    a.get_by_role("button", name="Block or report").click()
    a.get_by_role("button", name="Report", exact=True).click()
    a.get_by_role("radio").last.check()
    a.get_by_role("button", name="Send the report").click()
    expect(a.get_by_text("Thank you. Your code is")).to_be_visible()
    camera.take("45-reported", a)
    a.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    a.get_by_role("button", name="Block or report").click()
    a.get_by_role("button", name="Block", exact=True).click()
    expect(a.get_by_text("Gone. You will not meet again.")).to_be_visible()
    camera.take("46-blocked", a)
    a.get_by_role("dialog").get_by_role("button", name="Close").last.click()


def session(page: Page) -> str:
    """The session on the screen, as the page's outbox has it."""
    script = """() => Object.entries(localStorage).filter(([name]) => name.startsWith("citychat.outbox."))
        .map(([, text]) => JSON.parse(text).last[0])[0]"""
    found: str = page.evaluate(script)
    return found


PARTS: dict[str, Callable[[Eye, Browser, str], None]] = {"before": before, "alone": alone, "together": together}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screens", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--part", choices=PARTS, action="append", help="only these")
    asked = parser.parse_args()
    camera = Camera(asked.folder)
    with tempfile.TemporaryDirectory() as folder:
        served = Served(Path(folder) / "data", "--home-city", "Lyon")
        try:
            with sync_playwright() as play, play.chromium.launch(executable_path=BROWSER, args=FLAGS) as browser:
                for name in asked.part or PARTS:
                    PARTS[name](camera, browser, served.url)
        finally:
            served.stop()


if __name__ == "__main__":
    main()
