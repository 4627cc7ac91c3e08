"""People sign in with Django's own user; here stands only what Django has not."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class OneTimeLink(models.Model):
    """A link that lets one person set a password once. Only the token's digest is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    token_digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"link for user {self.user_id}"


class Preferences(models.Model):
    """How one person likes the page: theme, opacity, keys. The page knows what it means."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preferences"
    )
    choices = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"preferences of user {self.user_id}"


class TokenName(models.Model):
    """What a person calls one of their API tokens. The token itself is knox's, as a digest."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="token_names"
    )
    name = models.CharField(max_length=80)
    token_digest = models.CharField(max_length=128, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"token of user {self.user_id}"
