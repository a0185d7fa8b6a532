"""The notifiers that the settings name."""

from __future__ import annotations

import json
from importlib import import_module

from airflow.sdk import BaseNotifier

from k8s_inventory.printable import printable
from k8s_inventory.settings import Settings, SettingsError, environment_name

_SETTING = f"settings: report_notifiers ({environment_name('report_notifiers')})"


def notifiers_of(settings: Settings) -> list[BaseNotifier]:
    """One of each class that the setting names, with the arguments beside it. Raises `SettingsError`, which does not
    repeat an argument: it may be a token."""
    if settings.report_notifiers is None:
        return []
    try:
        named = json.loads(settings.report_notifiers.get_secret_value())
    except (ValueError, RecursionError):
        named = None
    if not isinstance(named, dict) or not all(isinstance(arguments, dict) for arguments in named.values()):
        raise SettingsError(
            f'{_SETTING}: must be a JSON object of classes and their arguments, such as {{"airflow.providers.smtp.'
            'notifications.smtp.SmtpNotifier": {"to": "me@example.com", "subject": "{{ report.title }}"}}'
        )
    return [_made(path, arguments) for path, arguments in named.items()]


def _made(path: str, arguments: dict[str, object]) -> BaseNotifier:
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except Exception as error:  # noqa: BLE001 - a module may raise anything
        raise SettingsError(
            f"{_SETTING}: {path[:200]} can not be imported ({type(error).__name__}); is its provider installed where "
            "Airflow's tasks run?"
        ) from None
    if not (isinstance(found, type) and issubclass(found, BaseNotifier)):
        raise SettingsError(
            f"{_SETTING}: {path[:200]} is no notifier: it must be a subclass of airflow.sdk.BaseNotifier"
        )
    try:
        return found(**arguments)
    except Exception as error:  # noqa: BLE001
        taken = printable(error) if isinstance(error, TypeError) else type(error).__name__
        raise SettingsError(f"{_SETTING}: {path[:200]} does not take its arguments: {taken}") from None
