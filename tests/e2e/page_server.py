"""A real api-server of Airflow that serves the inventory page, and a real browser before it."""

from __future__ import annotations

import json
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.e2e.airflow_home import AirflowHome, server_settings, started, until

USERS = {"admin": "admin", "viewer": "viewer", "nobody": ""}
"""Users, each with its name for a password, and their roles: the last one may do nothing."""


@dataclass(frozen=True)
class PageServer:
    """`root` is where Airflow is, with its base path; `url` where the page is."""

    root: str
    airflow: AirflowHome
    log: Path

    @property
    def url(self) -> str:
        return f"{self.root}/k8s_inventory"

    def token(self, user: str) -> str:
        body = json.dumps({"username": user, "password": user}).encode()
        asked = urllib.request.Request(f"{self.root}/auth/token", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return str(json.load(answer)["access_token"])

    def get(
        self, path: str, token: str | None = None, method: str = "GET", **headers: str
    ) -> tuple[int, str, Mapping[str, str]]:
        """Status, text and headers; redirects are not followed."""
        if token:
            headers["Cookie"] = f"_token={token}"
        asked = urllib.request.Request(f"{self.url}{path}", headers=headers, method=method)
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(asked, timeout=60) as answer:
                return answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), error.headers


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


@contextmanager
def page_server(
    folder: Path, *, database: str, inventory: str, port: int, base: str = "", **env: str
) -> Iterator[PageServer]:
    """`base` is the path under which Airflow is, as behind a proxy."""
    root = f"http://127.0.0.1:{port}{base}"
    passwords = folder / "passwords.json"
    passwords.write_text(json.dumps({name: name for name in USERS}))
    airflow = AirflowHome.make(
        folder / "airflow",
        database=database,
        AIRFLOW__CORE__AUTH_MANAGER="airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS=",".join(f"{name}:{role}" for name, role in USERS.items()),
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE=str(passwords),
        AIRFLOW__API__BASE_URL=root,
        DATABASE_URL=inventory,
        **server_settings(port, 0),
        **env,
    )
    with started("api-server", [str(airflow.bin / "airflow"), "api-server"], airflow.env, folder) as log:
        served = PageServer(root, airflow, log)
        until("The page", lambda: served.get("/")[0] == 401, [log], 120)
        yield served


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser of the system's packages; `CHROMIUM` names another one."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "a browser is needed: install the package chromium, or set CHROMIUM to one"
    with sync_playwright() as playwright:
        # The sandbox needs what containers do not have; what is browsed is our own server.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()
