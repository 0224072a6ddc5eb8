"""Words of ours for what is wrong with a MongoDB: the driver's may quote a document or the address."""

import re

TOO_OLD = re.compile(r"reports (wire version \d+)")  # the driver itself refuses those
NO_LOGIN = {13: "its user may not use the database", 18: "it refuses user or password"}
UNFIT = {148: "it does not let us read what a majority has: switch enableMajorityReadConcern on"}
TROUBLES = (
    (r"SSL|TLS|certificate", "TLS fails: look at its certificate and at the TLS options of its address"),
    (r"Errno -[0-9]+\]|[Nn]ame resolution|nodename", "its host name is not known"),
    (r"DNS |SRV |resolution lifetime", "the DNS does not name its servers as mongodb+srv:// asks for"),
    (r"[Nn]o primary|No replica set member", "it has no primary"),
    (r"Errno 111|Errno 61|[Cc]onnection refused", "nobody listens at its address"),
)
ASKS_FOR_TLS = re.compile(r"(?i)[?&](tls|ssl)=true")


def too_old(error: Exception) -> str:
    """Return what the driver refuses because of the server's age; "" when that is not the reason."""
    found = TOO_OLD.search(str(error))
    return found[1] if found else ""


def trouble(error: Exception, url: str) -> str:
    """Return the trouble in words that hold no address."""
    code, text = getattr(error, "code", None), str(error)
    if code is not None:
        return (NO_LOGIN | UNFIT).get(code, f"it answers with error {code}")
    if words := next((words for pattern, words in TROUBLES if re.search(pattern, text)), ""):
        return words
    return "it does not answer" + (", or not with TLS, for which its address asks" if ASKS_FOR_TLS.search(url) else "")
