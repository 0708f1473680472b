"""DatabaseWrapper that makes sure of the embedded server before it gives out an address."""

from pathlib import Path
from typing import Any

from django.db.backends.postgresql import base
from django.db.utils import OperationalError

from workspace.embedded.binaries import EmbeddedPostgresError
from workspace.embedded.postgres import EmbeddedPostgres, server_for
from workspace.pgbackend.client import DatabaseClient


class DatabaseWrapper(base.DatabaseWrapper):
    """settings: DATA_DIR (the server's folder), SERVER_OPTIONS (lines for its configuration)."""

    client_class = DatabaseClient

    def server(self) -> EmbeddedPostgres:
        """The server behind this connection, running. Where it cannot be started this is an OperationalError."""
        found = server_for(Path(self.settings_dict["DATA_DIR"]), options=self.settings_dict.get("SERVER_OPTIONS", {}))
        try:
            found.acquire()
        except EmbeddedPostgresError as error:
            raise OperationalError(str(error)) from error
        return found

    def get_connection_params(self) -> dict[str, Any]:
        server = self.server()
        self.settings_dict.update(HOST=str(server.socket_dir), PORT=server.port, USER=server.superuser, PASSWORD="")
        if self.settings_dict["NAME"] == "whetstone":
            server.ensure_database("whetstone")
        return super().get_connection_params()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection; where the server was killed meanwhile, it is started again first."""
        try:
            return super().get_new_connection(conn_params)
        except self.Database.OperationalError:
            try:
                if not self.server().revive():
                    raise
            except EmbeddedPostgresError as error:
                raise OperationalError(str(error)) from error
            self.close_pool()
            return super().get_new_connection(conn_params)
