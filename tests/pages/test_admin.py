from __future__ import annotations

import pytest
from django.apps import apps
from django.test import Client

from tests.builders import a_case, a_member, a_person, a_project

pytestmark = pytest.mark.django_db

MODELS = [model._meta.model_name for model in apps.get_app_config("segmentation").get_models()]


@pytest.fixture
def looker(client: Client) -> Client:
    client.force_login(a_person(is_superuser=True, is_staff=True))
    a_case(a_project())
    return client


def test_every_table_can_be_looked_at_and_none_added_to(looker: Client) -> None:
    looked = {m: looker.get(f"/admin/segmentation/{m}/").status_code for m in MODELS}
    added = {m: looker.get(f"/admin/segmentation/{m}/add/").status_code for m in MODELS}
    assert len(MODELS) > 20
    assert looked == dict.fromkeys(MODELS, 200)
    assert added == dict.fromkeys(MODELS, 403)


def test_a_row_is_shown_without_a_way_to_change_or_delete_it(looker: Client) -> None:
    case = a_case(a_project())
    page = looker.get(f"/admin/segmentation/case/{case.pk}/change/")
    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    assert looker.post(f"/admin/segmentation/case/{case.pk}/change/", {}).status_code == 403
    assert looker.post(f"/admin/segmentation/case/{case.pk}/delete/", {}).status_code == 403


def test_no_password_is_shown_not_even_as_a_digest(looker: Client) -> None:
    person = a_person("ada")
    page = looker.get(f"/admin/auth/user/{person.pk}/change/")
    assert page.status_code == 200
    assert person.password.encode() not in page.content


def test_only_a_site_administrator_looks(client: Client) -> None:
    client.force_login(a_member(a_project(), "administrator"))
    assert client.get("/admin/segmentation/case/").status_code == 302
