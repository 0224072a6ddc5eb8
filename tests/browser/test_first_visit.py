"""The first visit of somebody who has nothing of the page yet: what comes over the wire, and who waits for whom."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.walking import PAGE_MS, until

FIRST_VISIT_MAX_BYTES = 70_000  # headers and all, over plain http, where nothing packs those
FIRST_VISIT_MAX_REQUESTS = 10


class Visit:
    """What a browser with empty caches asks for until the start screen stands and nothing is asked any more."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.asked: dict[str, dict[str, Any]] = {}  # by the browser's own name of a request
        self.bytes: dict[str, int] = {}
        context = browser.new_context(locale="en-GB")
        page = context.new_page()
        page.set_default_timeout(PAGE_MS)
        cdp = context.new_cdp_session(page)
        cdp.on("Network.requestWillBeSent", lambda event: self.asked.update({event["requestId"]: event}))
        cdp.on("Network.loadingFinished", self._came)
        cdp.send("Network.enable")
        page.goto(url, wait_until="networkidle")
        expect(page.get_by_role("checkbox")).to_be_visible()
        until(lambda: page.evaluate("document.readyState") == "complete" and self.bytes.keys() >= self.asked.keys())
        context.close()

    def _came(self, event: dict[str, Any]) -> None:
        self.bytes[event["requestId"]] = int(event["encodedDataLength"])

    def path(self, request: str) -> str:
        return urlsplit(str(self.asked[request]["request"]["url"])).path


@pytest.fixture
def visit(browser: Browser, server: str) -> Visit:
    return Visit(browser, server)


def test_a_first_visit_is_small(visit: Visit) -> None:
    for request, size in visit.bytes.items():
        print(f"{visit.path(request):32} {size:7,}")
    print(f"{len(visit.bytes)} requests{'':22} {sum(visit.bytes.values()):7,}")
    assert {"/", "/static/bundle/app.js", "/static/bundle/page.css"} <= {*map(visit.path, visit.bytes)}
    assert len(visit.bytes) <= FIRST_VISIT_MAX_REQUESTS
    assert sum(visit.bytes.values()) <= FIRST_VISIT_MAX_BYTES


def test_whatever_a_first_visit_asks_for_the_page_itself_names(visit: Visit) -> None:
    """Nothing is found out about when something else has come, so nothing waits for two turns."""
    for request, event in visit.asked.items():
        initiator = event["initiator"]
        named_by = urlsplit(initiator.get("url", "")).path or "/"
        assert (initiator["type"] in ("parser", "other"), named_by) == (True, "/"), visit.path(request)
