"""``make icons``: the icons that phones put on their screens, drawn by Chromium from citychat/static/icon.svg.

A plain one is the drawing itself, round corners and all. A maskable one, and Apple's, is cut to the system's own shape:
its ground goes to the edges, and the drawing stays inside the circle that every shape leaves whole (four fifths).
"""

import io
import re
import subprocess
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
STATIC = ROOT / "citychat" / "static"
ICONS = STATIC / "icons"
GROUND = re.compile(r'<rect width="64" height="64" rx="14" fill="(#\w{6})"/>')
PLAIN, MASKABLE, APPLE = (192, 512), (192, 512), 180
SAFE = 0.84  # of the side: the drawing's corners stay inside the circle
COLOURS = 64


def main() -> None:
    svg = (STATIC / "icon.svg").read_text("utf-8")
    ground = GROUND.search(svg)
    assert ground, "the drawing's ground is what it was when this was written"
    bare = svg.replace(ground[0], "")
    browser = subprocess.run([ROOT / "tools" / "browser"], capture_output=True, text=True, check=True).stdout.strip()
    ICONS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page()
        for side in PLAIN:
            draw(page, f"plain-{side}.png", svg, side, 1.0, "transparent")
        for name, side in [*((f"maskable-{side}.png", side) for side in MASKABLE), ("apple.png", APPLE)]:
            draw(page, name, bare, side, SAFE, ground[1])


def draw(page: Page, name: str, svg: str, side: int, share: float, ground: str) -> None:
    page.set_viewport_size({"width": side, "height": side})
    drawing = svg.replace("<svg ", f'<svg style="position:absolute;inset:{50 - 50 * share}%" ', 1)
    page.set_content(f'<body style="margin:0;background:{ground}">{drawing}')
    picture = Image.open(io.BytesIO(page.screenshot(omit_background=ground == "transparent")))
    picture.quantize(COLOURS, method=Image.Quantize.FASTOCTREE).save(ICONS / name, optimize=True)


if __name__ == "__main__":
    main()
