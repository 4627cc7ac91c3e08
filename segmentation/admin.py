"""Django's admin for looking only: every change goes through a service that checks and audits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import BinaryField, JSONField, Model, TextField
from django.http import HttpRequest

if TYPE_CHECKING:
    Rows = admin.ModelAdmin[Any]
else:  # only the stubs know its parameter
    Rows = admin.ModelAdmin

SHOWN_AT_MOST = 8
NEVER_SHOWN = frozenset({"password", "token_digest"})


class ReadOnlyAdmin(Rows):
    """Lists and shows rows; no button adds, changes or deletes one."""

    list_per_page = 50
    show_full_result_count = False
    actions = None
    list_select_related = True

    def __init__(self, model: type[Model], site: admin.AdminSite) -> None:
        super().__init__(model, site)
        shown = [field for field in model._meta.fields if field.name not in NEVER_SHOWN]
        short = [f.name for f in shown if not isinstance(f, BinaryField | JSONField | TextField)]
        self.columns = short[:SHOWN_AT_MOST]
        self.rows = [f.name for f in shown if not isinstance(f, BinaryField)]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self.columns

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.rows

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.rows

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)


admin.site.unregister([User, Group])
admin.site.register([User, *apps.get_app_config("segmentation").get_models()], ReadOnlyAdmin)
