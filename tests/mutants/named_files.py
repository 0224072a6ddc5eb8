"""Short names for files of the code and of the tests, for tables in which they stand often."""

EDGE, DOOR, TRANSPORT = "citychat/edge/edge.py", "citychat/handlers/dispatcher.py", "citychat/edge/transport.py"
CLIENT_ADDRESS, LISTENER = "citychat/edge/client_address.py", "citychat/edge/listener.py"
HANDSHAKE, PACKETS, SOCKETIO = (f"citychat/edge/{name}.py" for name in ("handshake", "packets", "socketio_server"))
FRAMES, WEBSOCKET = "citychat/edge/frames.py", "citychat/edge/websocket.py"
TOKEN, ADMISSION, JOINING = "citychat/tokens.py", "citychat/joining/admission.py", "citychat/joining/joining.py"
ENDPOINT, SESSIONS = "citychat/delivery/endpoint.py", "citychat/matching/sessions.py"
LOBBY, GUEST = "citychat/adapters/memory/lobby.py", "citychat/adapters/memory/lobby_guest.py"
LED_TO = "citychat/adapters/memory/candidates.py"
STATE, LUA = "citychat/adapters/memory/lobby_state.py", "citychat/adapters/redis/lobby.lua"
FILES, PAGES, HOST_TEXTS = (f"citychat/handlers/{name}.py" for name in ("files", "pages", "host_texts"))
TEXT = "citychat/model/text.py"
PLACES, LIMITS, RULES = "citychat/places/places.py", "citychat/limits.py", "citychat/rules.py"
DATABASE, SQL = "citychat/adapters/sqlite/database.py", "citychat/adapters/sqlite/statements.sql"
SCHEMA = "citychat/adapters/sqlite/schema.py"
SETTINGS, SETTING_TYPES, SECRETS = "citychat/settings.py", "citychat/setting_types.py", "citychat/secret_files.py"
CONFLICTS = "citychat/setting_conflicts.py"

OF_ADDRESS, OF_LIMITS = "tests/server/test_edge_client_address.py", "tests/server/test_edge_limits.py"
OF_PACKETS, OF_EDGE, OF_HTTP = (f"tests/server/test_edge{name}.py" for name in ("_packets", "", "_http"))
OF_WEBSOCKET = "tests/unit/edge/test_websocket.py"
OF_LOGS, OF_PRIVACY, OF_UNITS = (f"tests/server/test_{name}.py" for name in ("edge_logs", "privacy", "deploy"))
OF_TOKENS, OF_MODEL, OF_SETTINGS = (f"tests/unit/test_{name}.py" for name in ("tokens", "model", "settings"))
OF_DOOR, OF_STRANGERS, OF_PAGES = (
    f"tests/unit/handlers/test_{name}.py" for name in ("namespace", "strangers", "pages")
)
OF_PLACES, OF_ADMISSION = "tests/unit/places/test_places.py", "tests/unit/joining/test_admission.py"
OF_SQLITE, OF_COURTESY = "tests/unit/adapters/test_sqlite.py", "tests/contract/test_lobby_courtesy.py"
OF_CANDIDATES, OF_HISTORY = "tests/contract/test_lobby_candidates.py", "tests/contract/test_history.py"
OF_BLAME, OF_FALSE_REPORTS = "tests/unit/matching/test_blame.py", "tests/contract/test_blame.py"
OF_SESSIONS, OF_OVERLAPS = "tests/unit/matching/test_sessions.py", "tests/unit/joining/test_overlapping_joins.py"
OF_FLOODS, OF_FLOODED = "tests/server/test_floods.py", "tests/unit/handlers/test_flooded.py"
OF_HANDSHAKE = "tests/server/test_edge_handshake.py"
OF_SHARES = "tests/unit/test_shares.py"
OF_OBJECTING = "tests/unit/joining/test_objecting.py"
VALUES = "citychat/model/values.py"
LOGO, OF_LOGO = "citychat/face/logo.py", "tests/unit/face/test_logo.py"
