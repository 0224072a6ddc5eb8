"""A city database that npm does not bring: the host reads why."""

from datetime import date
from pathlib import Path

import pytest

from citychat.places.ip_fetch import FetchError, fetch

NPM_SAYS = """\
npm notice New major version of npm available! 9.2.0 -> 11.0.0
npm error code ECONNREFUSED
npm error syscall connect
npm error errno ECONNREFUSED
npm error FetchError: request to http://127.0.0.1:9/x failed, reason: connect ECONNREFUSED 127.0.0.1:9
npm error     at ClientRequest.<anonymous> (/usr/lib/node_modules/npm/node_modules/minipass-fetch/lib/index.js:130:14)
npm error
npm error A complete log of this run can be found in: /var/log/npm/debug-0.log"""
NPM_SAID = (
    "code ECONNREFUSED; FetchError: request to http://127.0.0.1:9/x failed, reason: connect ECONNREFUSED 127.0.0.1:9"
)


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (NPM_SAYS, NPM_SAID),
        (NPM_SAYS.replace("npm error", "npm ERR!"), NPM_SAID),
        ("npm ERR! code E404\nnpm ERR! 404 Not Found - GET x\nnpm ERR! 404 \n", "code E404; 404 Not Found - GET x"),
        ("env: 'node': No such file or directory\n", "env: 'node': No such file or directory"),
    ],
)
def test_what_npm_says_of_its_failure_is_told(tmp_path: Path, says: str, told: str) -> None:
    program = tmp_path / "npm"
    program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{says}\nEND\nexit 1\n")
    program.chmod(0o755)
    lines: list[str] = []
    with pytest.raises(FetchError):
        fetch(tmp_path, lambda _: None, lines.append, date(2026, 3, 1), str(program), "http://127.0.0.1:9")
    assert f"npm did not bring it ({told}); asking the provider" in lines
