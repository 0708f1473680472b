"""What machines write that looks like personal data and is none: units, remotes, placeholders, versions."""

import pytest

from curation.privacy.patterns import find


def said(text: str) -> list[tuple[str, str]]:
    return [(one.kind, text[one.start : one.end]) for one in find(text)]


@pytest.mark.parametrize(
    "text",
    [
        "openvpn@office.service loaded active running OpenVPN",
        "Failed to start wg-quick@wg0.service: Unit not found.",
        "systemctl status backup@home.timer sshd@17-192.168.0.4.socket",
        "dev-disk@sda.mount user-runtime-dir@1002.service",
    ],
)
def test_units_of_an_init_system_are_no_addresses(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "origin  git@code.rennweg.io:infra/wiki.git (fetch)",
        "git clone forgejo@code.rennweg.io:infra/wiki.git",
        "url = ssh://gitea@code.rennweg.io:2222/infra/wiki.git",
        "git+ssh://deploy@code.rennweg.io/infra/wiki.git#v2",
    ],
)
def test_remotes_of_repositories_are_no_addresses(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Ask git@rennweg.io: they know", "git@rennweg.io"),
        ("mara@rennweg.services", "mara@rennweg.services"),
        ("From mara@rennweg.io: hello", "mara@rennweg.io"),
        ("mara&commat;rennweg&period;io", "mara&commat;rennweg&period;io"),
    ],
)
def test_addresses_that_look_a_little_like_them_are_found(text: str, address: str) -> None:
    assert said(text) == [("email", address)]


@pytest.mark.parametrize(
    "text",
    [
        "SLACK_TOKEN=xoxp-put-your-token",
        "GITLAB=glpat-your-personal-access-token",
        "ANTHROPIC_API_KEY=sk-ant-api03-your-key-goes-here",
        'api_key="sk-proj-your-project-key"',
        "VAULT_TOKEN=hvs.your_vault_token_goes_here",
        "docker login -p dckr_pat_example-token-for-the-docs",
    ],
)
def test_words_behind_a_providers_prefix_are_no_key(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    "key",
    ["xoxb-4820193744-Zk2mQe81LrTn", "glpat-A7dQ_here-x92Lm4KpWz", "sk-ant-api03-Yq7Lw2ZrK9vTb4XnYourM8cD"],
)
def test_keys_behind_a_providers_prefix_are_found(key: str) -> None:
    assert said(f"it is {key} now") == [("secret", key)]


@pytest.mark.parametrize(
    "text",
    ['[assembly: AssemblyVersion("7.0.44.12")]', 'new Version("6.0.35.1")', "std::version(9.1.77.3)"],
)
def test_versions_in_the_call_of_one_are_no_addresses(text: str) -> None:
    assert said(text) == []
