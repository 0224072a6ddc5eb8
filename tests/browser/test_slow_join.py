"""A page whose join takes long: it waits as long as it hears the server, and begins anew when it does not."""

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
