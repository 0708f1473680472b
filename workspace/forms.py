"""What people type on the account and settings pages."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm

from workspace.models import Connection, Project, Role, User


class SignInForm(AuthenticationForm):
    """Email and password."""

    username = forms.EmailField(
        label="Email", widget=forms.EmailInput(attrs={"autofocus": True, "autocomplete": "username"})
    )


class ProfileForm(forms.ModelForm):
    """The name that others see."""

    class Meta:
        model = User
        fields = ("name",)


SLUG = "letters from a to z, digits, hyphens and underscores, without blanks"


class ProjectForm(forms.ModelForm):
    """A new project."""

    class Meta:
        model = Project
        fields = ("name", "slug")
        labels = {"slug": "Address"}
        help_texts = {"slug": f"Its pages begin with /p/ and this: {SLUG}."}
        error_messages = {"slug": {"invalid": f"Use only {SLUG}, such as my-agents."}}
        widgets = {"slug": forms.TextInput(attrs={"data-from-name": "id_name", "autocapitalize": "none"})}


class MemberForm(forms.Form):
    """Who joins, and as what."""

    email = forms.EmailField()
    role = forms.ChoiceField(choices=Role.choices, initial=Role.REVIEWER)


class RoleForm(forms.Form):
    """Another role for a member; empty removes them."""

    role = forms.ChoiceField(choices=[*Role.choices, ("", "Remove")], required=False)


class TokenForm(forms.Form):
    """A name to recognise it by, and what it may do."""

    name = forms.CharField(max_length=80)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.ENGINEER)


class ConnectionForm(forms.ModelForm):
    """An endpoint. The key can be written, never read."""

    base_url = forms.URLField(
        label="Base URL",
        max_length=500,
        assume_scheme="https",
        help_text="Up to and with /v1, such as https://api.example.com/v1.",
    )
    key = forms.CharField(
        required=False, max_length=500, widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Kept encrypted, never shown again.",
    )  # fmt: skip
    input_price = forms.DecimalField(required=False, min_value=0, help_text="USD per million input tokens.")
    output_price = forms.DecimalField(required=False, min_value=0, help_text="USD per million output tokens.")

    budget_usd = forms.DecimalField(
        label="Budget (USD)", required=False, min_value=0, max_digits=12, decimal_places=4,
        help_text="Calls stop at this sum. Empty: no cap.",
    )  # fmt: skip

    class Meta:
        model = Connection
        fields = ("name", "base_url", "default_model", "allow_private_host", "max_concurrency", "budget_usd")
        labels = {"allow_private_host": "This host may have a private address"}
        help_texts = {"allow_private_host": "Only who runs this installation can allow that."}

    def prices(self) -> dict[str, Any]:
        """The price table from the two price fields; empty where neither was given."""
        found = {
            key: float(self.cleaned_data[name])
            for key, name in (("input", "input_price"), ("output", "output_price"))
            if self.cleaned_data.get(name) is not None
        }
        return {self.cleaned_data["default_model"] or "*": found} if found else {}


class LimitsForm(forms.ModelForm):
    """What may be changed of a connection: how many calls, for how much, and what its models cost."""

    budget_usd = forms.DecimalField(
        label="Budget (USD)", required=False, min_value=0, max_digits=12, decimal_places=4,
        help_text="Calls stop at this sum. Empty: no cap.",
    )  # fmt: skip
    price_lines = forms.CharField(
        label="Prices", required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 3, "class": "field"}),
        help_text="One model a line: name, USD per million input tokens, USD per million output tokens. * is any other model.",
    )  # fmt: skip

    class Meta:
        model = Connection
        fields = ("default_model", "max_concurrency", "budget_usd")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        told = [
            f"{model} {price['input']} {price['output']}"
            for model, price in self.instance.prices.items()
            if "input" in price and "output" in price
        ]
        self.initial["price_lines"] = "\n".join(told)

    def clean_price_lines(self) -> dict[str, dict[str, float]]:
        """The price table; an error names the line."""
        found: dict[str, dict[str, float]] = {}
        for number, line in enumerate(self.cleaned_data["price_lines"].splitlines(), start=1):
            words = line.split()
            if not words:
                continue
            try:
                name, given, taken = " ".join(words[:-2]), float(words[-2]), float(words[-1])
            except (ValueError, IndexError):
                name, given, taken = "", 0.0, 0.0
            if not name or not (0 <= given < 1e6 and 0 <= taken < 1e6):
                raise forms.ValidationError(f"Line {number} is not “MODEL INPUT OUTPUT”: {line.strip()[:80]}")
            if name in found:
                raise forms.ValidationError(f"Line {number}: {name[:80]} stands there twice.")
            found[name] = {"input": given, "output": taken}
        return found


class BudgetForm(forms.Form):
    """A cap for all connections of a project together."""

    budget_usd = forms.DecimalField(
        label="Budget of the project (USD)", required=False, min_value=0, max_digits=12, decimal_places=4,
        help_text="All calls to models stop at this sum. Empty: no cap. Models without a price are not asked while there is one.",
    )  # fmt: skip
