"""Every locked package stands in the list with its licence, and none of them is copyleft without being named."""

from tests.docs import licences

KNOWN_EXCEPTIONS = {"certifi", "hypothesis", "pathspec", "pymssql", "ksycopg2"}


def test_the_list_of_licences_is_up_to_date() -> None:
    """Rewrite it with `python -m tests.docs.licences`."""
    assert licences.PATH.read_text("utf-8") == licences.render()


def test_no_copyleft_licence_came_in_unnoticed() -> None:
    rows = [line.split("|")[1:3] for line in licences.render().splitlines() if line.startswith("| ")]
    strict = {
        name.strip() for name, licence in rows if "GPL" in licence or "MPL" in licence or "Mozilla" in licence
    }
    assert strict <= KNOWN_EXCEPTIONS
