"""The Spanish catalogue is complete, says the same as the code, and what is compiled is what was written."""

from __future__ import annotations

import gettext
from io import BytesIO
from string import Formatter

import pytest
from babel.messages.catalog import Catalog

from tools import messages


def keys(catalog):
    return sorted(messages.texts(message.id) for message in catalog if message.id)


def fields(text):
    """Return the names in braces; a text with other braces is one that is shown as it is."""
    try:
        return sorted(name for _text, name, _spec, _conversion in Formatter().parse(text) if name is not None)
    except ValueError:
        return []


@pytest.fixture(params=messages.LANGUAGES)
def language(request):
    return request.param


@pytest.fixture
def catalogue(language) -> Catalog:
    return messages.load(messages.folder(language) / f"{messages.DOMAIN}.po", language)


def test_the_template_is_what_the_code_says():
    code = messages.extract()
    assert len(code) > 50, "the extraction finds the code's messages"
    assert keys(code) == keys(messages.load(messages.TEMPLATE)), "run tools/messages.py"


def test_every_message_of_the_code_is_translated(catalogue):
    assert keys(catalogue) == keys(messages.extract()), "run tools/messages.py"
    for message in catalogue:
        assert not (message.id and message.fuzzy), message.id
        assert all(messages.texts(message.string)), f"not translated: {message.id}"


def test_placeholders_and_ends_are_kept(catalogue):
    for message in catalogue:
        if not message.id:
            continue
        for text in messages.texts(message.string):
            # One form of a plural may leave its number out; none may name what the code does not give.
            source = messages.texts(message.id)[-1]
            assert set(fields(text)) <= set(fields(source)), message.id
            if isinstance(message.id, str):
                assert fields(text) == fields(source), message.id
            assert (text[0].isspace(), text[-1].isspace()) == (source[0].isspace(), source[-1].isspace()), (
                message.id
            )


def test_the_compiled_catalogue_is_the_written_one(catalogue, language):
    path = messages.folder(language) / f"{messages.DOMAIN}.mo"
    with path.open("rb") as file:
        committed = gettext.GNUTranslations(file)
    written = gettext.GNUTranslations(BytesIO(messages.compiled(catalogue)))
    assert committed._catalog == written._catalog, "run tools/messages.py"
    assert "charset=utf-8" in committed.info()["content-type"].lower()
