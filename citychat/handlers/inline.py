"""Scripts and styles that stand in a page itself: by its hash alone a policy allows one."""

import json
import re
from base64 import b64encode
from hashlib import sha256

INLINE_SCRIPT = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)
INLINE_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def hash_in(inline: re.Pattern[str], html: str) -> str:
    """The hash by which a policy allows what stands in a page, and nothing else; "" where nothing does."""
    found = inline.search(html)
    return b64encode(sha256(found[1].encode()).digest()).decode() if found else ""


def script_json(value: object) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
