"""Settings: one frozen object, and mistakes that list what is valid."""

from __future__ import annotations

import pytest

from hermetic.errors import ConfigurationError
from hermetic.settings import INI, Settings, parse, refuse_unknown_keys


def test_nothing_configured_is_off() -> None:
    """A run that configures nothing is off."""
    assert parse({}) == Settings()


def test_an_application_turns_it_on() -> None:
    """Setting the application is all that a project must do."""
    assert parse({"hermetic_app": "shop:app"}).mode == "on"


def test_the_flag_wins_over_environment_and_ini() -> None:
    """The command line wins, then the environment, then the ini file; each value remembers where it came from."""
    ini = {"hermetic": "on", "hermetic_app": "shop:app"}
    assert parse(ini, environ={"HERMETIC": "observe"}).mode == "observe"
    settings = parse(ini, environ={"HERMETIC": "observe"}, flags={"hermetic": "off"})
    assert settings.mode == "off"
    assert settings.sources["hermetic"] == "--hermetic"
    assert settings.sources["hermetic_app"] == "the ini file"


@pytest.mark.parametrize(
    ("key", "valid"),
    [
        ("hermetic", "off, observe, on"),
        ("hermetic_isolation", "test, class, module, none"),
        ("hermetic_leaks", "error, warn, off"),
        ("hermetic_failures", "full, short, off"),
        ("hermetic_parameters", "columns, all, types"),
        ("hermetic_lifespan_scope", "function, module, session"),
        (
            "hermetic_postgresql",
            "auto, embedded, /path/to/the/directory/of/postgres, postgresql://user:password@host/database",
        ),
    ],
)
def test_an_unknown_value_lists_the_valid_ones(key: str, valid: str) -> None:
    """A value that is not known is an error that names the key, the place and the valid values."""
    with pytest.raises(ConfigurationError) as caught:
        parse({key: "sometimes"}, ini_source="pytest.ini")
    assert f"{key} = 'sometimes' (pytest.ini)" in str(caught.value)
    assert f"hint: use one of: {valid}" in str(caught.value)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("hermetic_scema", "did you mean hermetic_schema?"),
        ("hermetic-app", "did you mean hermetic_app?"),
        ("hermetic_something_else", "its keys are: hermetic, hermetic_app, "),
    ],
)
def test_an_unknown_key_is_refused(key: str, hint: str) -> None:
    """The nearest one is named, or all are; keys of others, and the right ones, are nobody's business."""
    refuse_unknown_keys(["asyncio_mode", "hermetics", *INI], "pytest.ini")
    with pytest.raises(ConfigurationError) as caught:
        refuse_unknown_keys([key], "pytest.ini")
    assert f"{key} (pytest.ini) is no key of hermetic's." in str(caught.value)
    assert hint in str(caught.value)


def test_lines_are_taken_apart() -> None:
    """Lists are read line by line, blanks left out, as a string or as the list pytest makes of it."""
    ini = {
        "hermetic_env": ["TESTING=true", "", " URL=sqlite:///a?b=c "],
        "hermetic_targets": "sqlite:///replica.db -> sqlite:///app.db\n",
    }
    settings = parse(ini)
    assert settings.env == (("TESTING", "true"), ("URL", "sqlite:///a?b=c"))
    assert settings.targets == (("sqlite:///replica.db", "sqlite:///app.db"),)


@pytest.mark.parametrize(
    ("key", "form"), [("hermetic_env", "NAME=value"), ("hermetic_targets", "alias URL -> URL")]
)
def test_a_line_of_another_form_is_shown(key: str, form: str) -> None:
    """A line that cannot be taken apart is an error that shows it and the form."""
    with pytest.raises(ConfigurationError, match="'nonsense'") as caught:
        parse({key: "nonsense"})
    assert form in str(caught.value)


def test_an_application_without_attribute_gets_a_line_to_paste() -> None:
    """A module alone is no application; the hint is the line to write."""
    with pytest.raises(ConfigurationError) as caught:
        parse({"hermetic_app": "backend.app.main"})
    assert "hint: hermetic_app = backend.app.main:app" in str(caught.value)


def test_every_key_has_the_prefix_and_a_help_text() -> None:
    """One prefix for all keys."""
    assert all(key.startswith("hermetic") and text for key, (_, text) in INI.items())


def test_what_is_masked() -> None:
    """The project's own words, one a line, and of which parameters values are shown."""
    masking = parse({"hermetic_secrets": ["pesel", "iban"], "hermetic_parameters": "all"}).masking
    assert masking.hides("user_pesel") and masking.hides("IBAN") and not masking.hides("name")
    assert masking.parameters == "all"
