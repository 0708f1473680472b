"""Print the requirements of an extra of pyproject.toml, one per line: `python scripts/extra.py train`."""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path(__file__).resolve().parent.parent.joinpath("pyproject.toml").read_text())["project"]
print("\n".join(requirement.replace(" ", "") for requirement in project["optional-dependencies"][sys.argv[1]]))
