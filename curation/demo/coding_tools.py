"""What the coding helper is told, which tools it has, and the shape of its tasks."""

from dataclasses import dataclass

from curation.demo.talk import tool

INSTRUCTIONS = {
    "patchwork-v1": "You are Patchwork, a coding assistant working in the user's repository.",
    "patchwork-v2": (
        "You are Patchwork, a coding assistant working in the user's repository. Read before you edit. Run the tests after "
        "every change and report what they said."
    ),
    "patchwork-v3": "You are Patchwork, a coding assistant. Be quick: use as few tool calls as you can.",
    "patchwork-v4": (
        "You are Patchwork, a coding assistant working in the user's repository. Reproduce the problem first, find its "
        "cause, make the smallest change that removes it, and run the tests. Say what you changed and what you did not "
        "check. Never weaken a test to make it pass."
    ),
}

TOOLS = [
    tool("search_code", "Search the repository with a regular expression.", pattern="string: The expression"),
    tool("list_files", "Names in a folder.", path="string: Folder, relative to the root"),
    tool("read_file", "The text of a file.", path="string: Relative path", first_line="integer?: Where to start"),
    tool(
        "edit_file",
        "Replace a text that occurs exactly once.",
        path="string: Relative path",
        old="string: The text there is",
        new="string: The text there shall be",
    ),
    tool("run_tests", "Run tests and return the end of the output.", path="string: File, folder or test name"),
    tool("run_command", "Run a shell command in the sandbox, at most 60 s.", command="string: The command"),
    tool("explore", "Let a second agent look around and report.", question="string: What to find out"),
]

# domain words that take the place of "booking" in the texts, each with its repository
REPOSITORIES = {
    "booking": "harbour-api",
    "shipment": "dockside",
    "ticket": "helpdesk-core",
    "lesson": "tutorbox",
    "parcel": "lockerd",
    "payment": "till",
    "sensor": "greenhouse",
    "recipe": "pantry",
    "member": "clubhouse",
    "tariff": "wattmeter",
    "voucher": "storefront",
    "donation": "givewell-ui",
}


@dataclass(frozen=True, slots=True)
class Task:
    """One job. The texts speak of bookings; other words take that place. `old` stands in `source` exactly once.

    `shortcut` is the change a hasty helper makes instead of `new`; `excuse` its answer, `note` what a reviewer says.
    """

    key: str
    topic: str
    asks: tuple[str, ...]
    query: str
    path: str
    source: str
    test: str
    failing: str
    old: str
    new: str
    answers: tuple[str, ...]
    shortcut: str
    excuse: str
    note: str
    thought: str
