"""Writes the pages that are made from the code: python -m docs.generate (make docs). A test holds them up to date."""

import ast
from pathlib import Path

from citychat.limits import LIMITS, Limit
from citychat.settings import FIELDS, PREFIX, default_shown, flag_of
from tests.mutants.attempts import ATTEMPTS, HELD
from tests.mutants.controls import lines as controls_of
from tests.mutants.threats import THOUGHT_OF

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "citychat"
MADE = "<!-- Made by docs/generate.py from {source}; change it there. -->\n"


def settings_page() -> str:
    lines = [
        MADE.format(source="citychat/settings.py"),
        "# Settings\n",
        "A flag wins over a variable, a variable over the file named by `--config` (TOML), the file over the default.",
        "A list is one text with commas in a flag or a variable, and a list in the file. A wrong value stops the start",
        "with one line that names it, and exit status 2; `--print-settings` shows what is in force and where from.\n",
        "| Flag | Variable | In the file | Default | Meaning |",
        "|---|---|---|---|---|",
    ]
    for name, field in FIELDS.items():
        only = field.metadata["flag_only"]
        variable = "" if only else f"`{PREFIX}{name.upper()}`"
        key = "" if only or name == "config" else f"`{name}`"
        default = default_shown(name) if field.metadata["shown"] else f"`{default_shown(name)}`"
        default = "" if only else default
        lines.append(f"| `{flag_of(name)}` | {variable} | {key} | {default} | {field.metadata['help']} |")
    return "\n".join(lines) + "\n"


def limits_page() -> str:
    lines = [
        MADE.format(source="citychat/limits.py"),
        "# Limits\n",
        "Who has a limit is decided by the server: a guest by the token, a network by the address of the connection",
        "(an IPv4 address, or an IPv6 /64; loopback has none). Over a rate the answer is `busy` with a waiting time;",
        "frames, handshakes, requests and what follows a refused event are held until it is their turn.\n",
        "What costs something has three buckets: the guest's, the network's and the process's. Of the last three",
        "quarters are kept for networks that ask for little: eight at once, and a hundredth of the rate, each.",
        "A network's are for a hall of a hundred behind one address; `--connections-per-address` 400 makes them twice",
        "as large.\n",
        "| What | Limit | For each | Why | Setting |",
        "|---|---|---|---|---|",
    ]
    for limit in LIMITS.values():
        setting = ", ".join(f"`{flag_of(name)}`" for name in limit.setting.split())
        lines.append(f"| {limit.name} | {_amount(limit)} | {limit.each} | {limit.reason} | {setting} |")
    return "\n".join(lines) + "\n"


def _amount(limit: Limit) -> str:
    amount = f"{limit.value:,.0f} {limit.unit}"
    if limit.per_s is None:
        return amount
    for seconds, period in ((1, "a second"), (60, "a minute"), (3600, "an hour")):
        rate = limit.per_s * seconds
        if rate > 0.5 and abs(rate - round(rate)) < 1e-9:
            return f"{amount}, then {rate:.0f} {period}"
    raise ValueError(f"{limit.name}: the rate is no whole number a second, a minute or an hour")


def modules_page() -> str:
    lines = [
        MADE.format(source="the docstrings of citychat/"),
        "# Modules\n",
        "Every module of the package, what its docstring says it is, and the names it gives to others. How the",
        "packages stand on each other is in [architecture.md](architecture.md); the words are explained in",
        "[glossary.md](glossary.md).",
    ]
    package = None
    for path in sorted(PACKAGE.rglob("*.py"), key=lambda each: (each.parent != PACKAGE, each.parent, each)):
        module = ast.parse(path.read_text("utf-8"))
        if path.parent != package:
            package = path.parent
            door = ast.parse((package / "__init__.py").read_text("utf-8"))
            lines += [f"\n## `{package.relative_to(HERE.parent)}/`\n", f"{_summary(door)}\n"]
            lines += ["| Module | What it is | Names |", "|---|---|---|"]
        if path.name != "__init__.py":
            names = ", ".join(f"`{name}`" for name in _names(module))
            lines.append(f"| `{path.name}` | {_summary(module)} | {names} |")
    return "\n".join(lines) + "\n"


def security_page() -> str:
    lines = [
        MADE.format(source="tests/mutants/threats.py"),
        "# What is defended, and by which test\n",
        "Each row is one control: what stands against a threat, the file in which a mutant leaves it out, and the",
        "tests that must then fail, each of them. `make mutants` leaves out one after the other; what came of it is in",
        "[reliability.md](reliability.md#mutants-fuzz-soak). What a library does for us is named by it: there is",
        "nothing of ours to leave out. What is *not* defended, and how to report: [SECURITY.md](../SECURITY.md).\n",
        "## Thought of before\n",
        *controls_of(THOUGHT_OF),
        "\n## Tried against the running program\n",
        "By one address, inside every limit of its time; what it found is closed by these, or said to be open.\n",
        *controls_of(ATTEMPTS),
        "\n## Tried, and held\n",
        *controls_of(HELD),
    ]
    return "\n".join(lines) + "\n"


def _summary(module: ast.Module) -> str:
    """The first paragraph of its docstring, on one line."""
    return " ".join((ast.get_docstring(module) or "").split("\n\n")[0].split()).replace("|", "\\|")


def _names(module: ast.Module) -> list[str]:
    """Its public classes and functions, in their order."""
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [node.name for node in module.body if isinstance(node, kinds) and not node.name.startswith("_")]


PAGES = {
    "settings.md": settings_page,
    "limits.md": limits_page,
    "modules.md": modules_page,
    "security.md": security_page,
}

if __name__ == "__main__":
    for page, make in PAGES.items():
        (HERE / page).write_text(make(), "utf-8")
