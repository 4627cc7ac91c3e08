"""The pages outside the app in the reader's language, and catalogues that miss no word of them."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from medseg_site.places import REPOSITORY
from segmentation.services.people import person_create
from tests.builders import a_person

pytestmark = pytest.mark.django_db

LOCALE = REPOSITORY / "segmentation" / "locale"
TEMPLATES = sorted((REPOSITORY / "segmentation" / "templates").rglob("*.html"))
TRANSLATE = re.compile(r"{%\s*translate\s+\"([^\"]*)\"[^%]*%}")
BLOCK = re.compile(r"{%\s*blocktranslate\b[^%]*%}(.*?){%\s*endblocktranslate\s*%}", re.DOTALL)
PLACEHOLDER = re.compile(r"%\(\w+\)s|<[^>]+>")
OTHERS = sorted(code for code, _ in settings.LANGUAGES if code != "en")


# The catalogues ------------------------------------------------------------------------------


def words_of_template(text: str) -> Iterator[str]:
    yield from TRANSLATE.findall(text)
    for words in BLOCK.findall(text):
        yield re.sub(r"{{\s*(\w+)\s*}}", r"%(\1)s", words)


def words_of_module(text: str) -> Iterator[str]:
    """What the module hands to gettext, by whatever name it imported it."""
    tree = ast.parse(text)
    names = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield ast.literal_eval(node.args[0])


def words_used() -> set[str]:
    found = {words for path in TEMPLATES for words in words_of_template(path.read_text())}
    for package in ("segmentation", "medseg_site"):
        for path in (REPOSITORY / package).rglob("*.py"):
            found |= set(words_of_module(path.read_text()))
    return found


def catalogue(code: str) -> dict[str, str]:
    """English to translated, from the .po file; its header under the empty string."""
    found: dict[str, str] = {}
    parts: dict[str, str] = {}
    field = ""
    for line in [*(LOCALE / code / "LC_MESSAGES" / "django.po").read_text().splitlines(), ""]:
        if line.startswith(("msgid ", "msgstr ")):
            field, _, line = line.partition(" ")
            parts[field] = ""
        if line.startswith('"'):
            parts[field] += ast.literal_eval(line)
        elif not line and parts:
            found[parts["msgid"]] = parts["msgstr"]
            parts = {}
    return found


def test_the_languages_on_offer_are_those_with_a_catalogue() -> None:
    assert sorted(path.name for path in LOCALE.iterdir()) == OTHERS
    assert OTHERS == ["de"]


@pytest.mark.parametrize("code", OTHERS)
def test_a_catalogue_has_each_word_of_the_pages_and_no_other(code: str) -> None:
    known = catalogue(code)
    used = words_used()
    assert len(used) > 30
    assert used - known.keys() == set()
    assert known.keys() - used == {""}
    assert [english for english, word in known.items() if not word] == []


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_keeps_the_blanks_to_fill_in_and_the_marks_around_them(code: str) -> None:
    for english, word in catalogue(code).items():
        assert PLACEHOLDER.findall(word) == PLACEHOLDER.findall(english)


@pytest.mark.parametrize("code", OTHERS)
def test_the_compiled_catalogue_says_what_the_written_one_says(code: str) -> None:
    with (LOCALE / code / "LC_MESSAGES" / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for english, word in catalogue(code).items():
        assert compiled.gettext(english) == word


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_no_word_of_a_template_stands_outside_the_catalogue(path: Path) -> None:
    text = BLOCK.sub("", path.read_text())
    text = re.sub(r"{%.*?%}|{{.*?}}", "", text)
    shown = re.sub(r"<[^>]*>", "\n", text) + "\n".join(
        re.findall(r"(?:alt|title|placeholder|aria-label)=\"([^\"]*)\"", text)
    )
    assert set(re.findall(r"[^\W\d_]+", shown)) - {"doctype", "html", "medseg"} == set()


# The pages -----------------------------------------------------------------------------------


def asked(path: str, languages: str) -> str:
    return Client(headers={"Accept-Language": languages}).get(path).content.decode()


@pytest.mark.parametrize("languages", ["de", "de-AT,de;q=0.9,en;q=0.8", "fr,de;q=0.5"])
def test_a_german_browser_gets_the_german_sign_in_page(languages: str) -> None:
    page = asked("/sign-in/", languages)
    assert '<html lang="de">' in page
    assert "<h1>Anmelden</h1>" in page
    assert "Passwort" in page
    assert "Not for primary diagnosis" not in page


@pytest.mark.parametrize("languages", ["", "en-GB", "fr", "ja,en;q=0.5"])
def test_any_other_browser_gets_english(languages: str) -> None:
    page = asked("/sign-in/", languages)
    assert '<html lang="en">' in page
    assert "<h1>Sign in</h1>" in page


def test_a_cache_is_told_that_the_page_depends_on_the_language() -> None:
    answer = Client(headers={"Accept-Language": "de"}).get("/sign-in/")
    assert "Accept-Language" in answer.headers["Vary"]
    assert answer.headers["Content-Language"] == "de"


def test_faults_links_and_errors_are_german_too() -> None:
    german = Client(headers={"Accept-Language": "de"})
    wrong = german.post("/sign-in/", {"username": "ada", "password": "wrong"}).content.decode()
    assert "gehören nicht zusammen" in wrong
    assert "Dieser Link gilt nicht mehr" in german.get("/link/none/").content.decode()
    _, path = person_create(user=None, username="ada")
    assert (
        "Sie melden sich als <strong>ada</strong> an."
        in german.get(path, follow=True).content.decode()
    )
    weak = german.post("/link/", {"password": "kurz", "again": "kurz"}).content.decode()
    assert "Dieses Passwort ist zu kurz. Es muss mindestens 10 Zeichen enthalten." in weak
    missing = german.get("/nothing")
    assert "Unter dieser Adresse ist nichts zu finden" in missing.content.decode()
    assert '<p class="status">404</p>' in missing.content.decode()


def test_a_form_from_another_site_is_refused_in_german() -> None:
    strict = Client(enforce_csrf_checks=True, headers={"Accept-Language": "de"})
    assert "Diese Seite ist veraltet" in strict.post("/sign-in/").content.decode()


def test_the_app_speaks_english_and_says_so() -> None:
    german = Client(headers={"Accept-Language": "de"})
    german.force_login(a_person("ada"))
    page = german.get("/").content.decode()
    assert '<html lang="en">' in page
    assert '<noscript lang="de">Diese Seite zeichnet' in page
