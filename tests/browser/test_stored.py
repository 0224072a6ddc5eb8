"""What the page keeps in a real browser: full, torn, late in another window, and beside a clock that is set back."""

from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.conftest import Person
from tests.browser.walking import bubble, composer, shown, together, until, write

# Whatever the browser still takes, in pieces that get smaller
FILL = """() => {
    for (let size = 1_000_000, n = 0; size >= 1; ) {
        try { localStorage.setItem(`filler ${n}`, "x".repeat(size)); n += 1; } catch { size = Math.floor(size / 10); }
    }
}"""
EMPTY = "Object.keys(localStorage).filter((n) => n.startsWith('filler')).forEach((n) => localStorage.removeItem(n))"
TEAR = """() => Object.keys(localStorage).filter((name) => name !== "citychat.consent")
    .forEach((name) => localStorage.setItem(name, '{"entries": [{"x": "torn'))"""
SET_BACK = "{ const real = Date.now; Date.now = () => real() - 3_600_000; }"
LATE = """() => {
    const { getItem } = Storage.prototype, writer = localStorage.getItem("citychat.writer");
    Storage.prototype.getItem = function (name) {
        return name === "citychat.writer" ? writer : getItem.call(this, name);
    };
}"""


def test_a_full_storage_is_told_and_a_torn_one_lets_the_page_in(person: Person, complaints: list[str]) -> None:
    a, b = together(person(), person())
    a.evaluate(FILL)
    write(a, "from memory")
    strip = a.locator("#strip")
    expect(strip).to_have_text("This browser's storage is full: a reload may lose what was just written.")
    expect(composer(a)).to_be_in_viewport(ratio=1)
    expect(bubble(b, "from memory")).to_be_visible()
    a.evaluate(EMPTY)
    write(a, "with room again")
    expect(strip).to_have_text("This browser stores again.")
    expect(a.get_by_text("Delivered", exact=True)).to_be_visible()
    a.evaluate(TEAR)
    a.reload()
    expect(a.get_by_role("button", name="Find someone")).to_be_visible()
    assert complaints and all(line.endswith("torn or foreign; thrown away") for line in complaints)
    complaints.clear()


def test_what_an_older_window_writes_that_has_not_heard_of_the_newer_one_is_sent_by_it(person: Person) -> None:
    a, b = person(), person()
    dead = False

    def link(page_side: WebSocketRoute) -> None:
        server_side = page_side.connect_to_server()
        page_side.on_message(lambda frame: None if dead else server_side.send(frame))
        server_side.on_message(lambda frame: None if dead else page_side.send(frame))

    a.route_web_socket("**/socket.io/**", link)
    a.reload()
    together(a, b)
    write(a, "one")
    expect(bubble(b, "one", exact=True)).to_be_visible()
    a.evaluate(LATE)
    dead = True
    second = a.context.new_page()
    second.goto(a.url)
    expect(composer(second)).to_be_visible()
    write(a, "late")
    write(second, "two")
    for page in (b, second):
        expect(bubble(page, "late", exact=True)).to_be_visible()
    expect(bubble(b, "two", exact=True)).to_be_visible()
    until(lambda: texts(second) == texts(b))
    assert len(texts(b)) == 3


def texts(page: Page) -> list[str]:
    return [text.partition(": ")[2] for text in shown(page)]


def test_a_clock_set_back_delays_no_ack(person: Person) -> None:
    a, b = together(person(), person())
    for number in range(4):
        if number == 1:  # one was acked by the clock of before
            b.evaluate(SET_BACK)
        write(a, f"message {number}")
        expect(a.locator(".message").last).to_contain_text("Delivered")
