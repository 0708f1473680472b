"""`manage.py dbshell` for the embedded server: its own psql, and the server started if need be."""

from collections.abc import Iterable
from typing import Any

from django.db.backends.postgresql import client

from workspace.embedded.binaries import binaries


class DatabaseClient(client.DatabaseClient):
    """psql of the same version as the server."""

    def runshell(self, parameters: Iterable[str]) -> None:
        self.connection.get_connection_params()
        super().runshell(parameters)

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        arguments, environment = super().settings_to_cmd_args_env(settings_dict, parameters)
        return [str(binaries() / arguments[0]), *arguments[1:]], environment
