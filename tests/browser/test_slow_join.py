"""A page whose join takes long: it waits as long as it hears the server, and begins anew when it does not."""

import re

from playwright.sync_api import WebSocketRoute, expect

from tests.browser.conftest import Person

WORKS_MS, PING_MS = 12_000, 2_000  # longer than the 5 s of silence after which a page gives a join up


def test_a_join_is_waited_for_while_the_server_pings_and_begun_anew_when_it_is_silent(person: Person) -> None:
    page = person()
    links: list[WebSocketRoute] = []
    joins: list[str] = []
    held = True

    def link(page_side: WebSocketRoute) -> None:
        server_side = page_side.connect_to_server()
        links.append(page_side)

        def out(frame: str | bytes) -> None:
            if '"user-join"' in str(frame):
                joins.append(str(frame))
            server_side.send(frame)

        def back(frame: str | bytes) -> None:
            if not (held and '"token"' in str(frame)):
                page_side.send(frame)

        page_side.on_message(out)
        server_side.on_message(back)

    page.route_web_socket("**/socket.io/**", link)
    page.reload()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Start with my city").click()
    for _ in range(WORKS_MS // PING_MS):
        page.wait_for_timeout(PING_MS)
        links[0].send("2")
    assert (len(joins), len(links)) == (1, 1)
    held = False  # the answer that was held is lost, and nothing is heard any more
    expect(page.get_by_role("button", name="Find someone")).to_be_visible()
    assert (len(joins), len(links)) == (2, 2)


CHANCE = 0.9371  # what the page draws each time, so that its waits are known from all other timers
WAITS_MS = (2_000, 2_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000)
JOIN = re.compile(r'42/user,(\d+)\["user-join"')


def test_a_page_whose_join_is_refused_again_comes_back_ever_more_rarely(person: Person) -> None:
    page = person()
    refused = 0

    def link(page_side: WebSocketRoute) -> None:
        server_side = page_side.connect_to_server()

        def out(frame: str | bytes) -> None:
            nonlocal refused
            asked = JOIN.match(str(frame))
            if asked is None or refused == len(WAITS_MS):
                server_side.send(frame)
            else:
                refused += 1
                page_side.send(f'43/user,{asked[1]}[{{"ok":false,"error":"unavailable","retry_ms":2000}}]')

        page_side.on_message(out)

    page.route_web_socket("**/socket.io/**", link)
    page.add_init_script(
        f"""Math.random = () => {CHANCE};
        window.waits = [];
        const later = window.setTimeout;
        window.setTimeout = (call, ms, ...args) => {{
          const of = Math.round(ms / {CHANCE} * 1000) / 1000;
          if (!{[500, *WAITS_MS]}.includes(of)) return later(call, ms, ...args);
          window.waits.push(of);
          return later(call, 0, ...args);
        }};"""
    )
    page.reload()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Start with my city").click()
    expect(page.get_by_role("button", name="Find someone")).to_be_visible()
    assert page.evaluate("waits") == list(WAITS_MS)
