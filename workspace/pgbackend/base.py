"""DatabaseWrapper that makes sure of the embedded server before it gives out an address."""

from pathlib import Path
from typing import Any

from django.db.backends.postgresql import base

from workspace.embedded.postgres import EmbeddedPostgres, server_for


class DatabaseWrapper(base.DatabaseWrapper):
    """settings: DATA_DIR (the server's folder), SERVER_OPTIONS (lines for its configuration)."""

    def server(self) -> EmbeddedPostgres:
        """The server behind this connection, running."""
        found = server_for(Path(self.settings_dict["DATA_DIR"]), options=self.settings_dict.get("SERVER_OPTIONS", {}))
        found.acquire()
        return found

    def get_connection_params(self) -> dict[str, Any]:
        server = self.server()
        self.settings_dict.update(HOST=str(server.socket_dir), PORT=server.port, USER=server.superuser, PASSWORD="")
        if self.settings_dict["NAME"] == "whetstone":
            server.ensure_database("whetstone")
        return super().get_connection_params()
