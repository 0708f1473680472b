"""Users, the projects they belong to, and the tokens that act for a project."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower

from workspace.uuid7 import uuid7


class Role(models.TextChoices):
    """What a member may do: each role may do all that the one before it may."""

    REVIEWER = "reviewer", "Reviewer"
    ENGINEER = "engineer", "Engineer"
    ADMIN = "admin", "Admin"

    @property
    def rank(self) -> int:
        """0 for reviewer, 1 for engineer, 2 for admin."""
        return list(Role).index(self)

    def covers(self, needed: "Role") -> bool:
        """Whether somebody with this role may do what `needed` asks for."""
        return self.rank >= needed.rank


class People(BaseUserManager["User"]):
    """Makes users by email address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A new user; without a password nobody can sign in as them, and no reset link is sent to them."""
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A user who may do everything in every project."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    """A person; the email address is the name they sign in with."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    keys = models.JSONField(default=dict, blank=True, help_text="Keys that this person set otherwise: {act: key}.")

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[People] = People()  # type: ignore[assignment]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_any_case")]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def initials(self) -> str:
        """One or two capitals for the avatar."""
        words = (self.name or self.email.split("@")[0]).replace(".", " ").replace("-", " ").split()
        return "".join(word[0] for word in words[:2]).upper() or "?"


class ProjectQuerySet(models.QuerySet["Project"]):
    """Projects, scoped."""

    def visible_to(self, user: Any) -> "ProjectQuerySet":
        """The projects this person is a member of; a superuser sees all."""
        if getattr(user, "is_superuser", False):
            return self
        return self.filter(membership__user_id=user.pk)


class Project(models.Model):
    """A wall: nothing in one project is seen from another."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    is_demo = models.BooleanField(default=False, help_text="Holds generated data; every page says so.")
    tool_views = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="How calls of a tool are drawn: {tool: {view, headline}}."
    )
    budget_usd = models.DecimalField(
        max_digits=12, decimal_places=4, null=True, help_text="For all its connections together; no cap where empty."
    )
    spent_usd = models.DecimalField(max_digits=14, decimal_places=6, default=0, db_default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    members = models.ManyToManyField(User, through="Membership", related_name="projects")

    objects = ProjectQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's role in a project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    role = models.CharField(max_length=10, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="membership_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.project}: {self.role}"


class ApiToken(models.Model):
    """A key for programs: shown once, kept as a SHA-256 digest, bound to one project and role."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    role = models.CharField(max_length=10, choices=Role.choices)
    prefix = models.CharField(max_length=16, help_text="The first characters, to recognise it by.")
    digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(role__in=Role.values), name="token_role")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
