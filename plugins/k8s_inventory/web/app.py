"""The page as an app: every address of it is for those alone who may read the DAG, and what goes wrong has words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import psycopg
from airflow.sdk.exceptions import AirflowException
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from psycopg import errors
from starlette.exceptions import HTTPException as StarletteHTTPException

from k8s_inventory.settings import SettingsError
from k8s_inventory.store import StoreError
from k8s_inventory.store.statements import migrations
from k8s_inventory.web import pages
from k8s_inventory.web.access import DAG_ID, HEADERS, may_read
from k8s_inventory.web.reading import Busy
from k8s_inventory.web.searching import Unanswerable
from k8s_inventory.web.views import page, reader, views

app = FastAPI(
    title="Kubernetes inventory",
    dependencies=[Depends(may_read)],
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
    redirect_slashes=False,
)


@app.middleware("http")
async def _with_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _refusal(request: Request, status: int, title: str, why: str, todo: str = "") -> HTMLResponse:
    return page(request, "refusal.html", status, title=title, why=why, todo=todo, active="")


@app.exception_handler(StarletteHTTPException)
def _refused(request: Request, error: StarletteHTTPException) -> HTMLResponse:
    if error.status_code == 401:
        return _refusal(request, 401, "Log in first", "The inventory is shown to those who are logged in to Airflow.")
    if error.status_code == 403:
        return _refusal(
            request,
            403,
            "Not for this user",
            f"The inventory is shown to those who may read the DAG {DAG_ID}.",
            f"Ask an administrator of Airflow for the right to read the DAG {DAG_ID}.",
        )
    return _refusal(request, error.status_code, "There is no such page", str(error.detail))


@app.exception_handler(RequestValidationError)
def _malformed(request: Request, error: RequestValidationError) -> HTMLResponse:
    why = "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in error.errors()[:5])
    return _refusal(request, 422, "This can not be asked", why)


@app.exception_handler(Unanswerable)
def _unanswerable(request: Request, error: Unanswerable) -> HTMLResponse:
    return _refusal(request, 422, "This can not be asked", f"{error.of}: {error}")


@app.exception_handler(Busy)
def _busy(request: Request, error: Busy) -> HTMLResponse:
    return _refusal(request, 503, "Too many ask at once", "All of the page's sessions are in use.", "Try again.")


@app.exception_handler(StoreError)
def _no_database(request: Request, error: StoreError) -> HTMLResponse:
    return _refusal(request, 503, "The inventory can not be read", str(error))


@app.exception_handler(SettingsError)
def _bad_settings(request: Request, error: SettingsError) -> HTMLResponse:
    return _refusal(request, 503, "A setting can not be used", str(error))


@app.exception_handler(AirflowException)
def _airflow(request: Request, error: AirflowException) -> HTMLResponse:
    return _refusal(request, 503, "The inventory can not be read", f"Airflow: {type(error).__name__}")


def _of_another_version() -> tuple[str, str, str]:
    """What an inventory is that has not what was asked of it, and what to do: title, why, todo.

    Raises what `Reader.snapshot` does where this can not be found out.
    """
    trigger = f"Trigger the DAG {DAG_ID}."
    try:
        with reader().snapshot() as snapshot:
            made_by = snapshot.rows("made_by")[0]["migration"]
    except errors.UndefinedTable:
        made_by = None
    ours = max(version for version, _, _ in migrations())
    if made_by is None:
        return "There is no inventory yet", "Its tables are made by the first run of the DAG.", trigger
    if made_by < ours:
        why = "Its tables are upgraded by the first run of the DAG after an upgrade."
        return "The inventory is of an older version", why, trigger
    if made_by > ours:
        why = "Its tables were upgraded by a newer k8s-inventory than the one that this Airflow has."
        return (
            "The inventory is of a newer version",
            why,
            "Upgrade k8s-inventory here, and start Airflow's api-server anew.",
        )
    why = "A table, view, function or column of it is not there."
    return "Something of the inventory is missing", why, f"Put it back, if you know which. {trigger}"


@app.exception_handler(psycopg.Error)
def _refused_by_database(request: Request, error: psycopg.Error) -> HTMLResponse:
    """The server's own words stay out: they may repeat what a stranger wrote, or more than is meant for a reader."""
    if isinstance(error, errors.QueryCanceled):
        return _refusal(
            request,
            504,
            "This takes too long",
            "The database did not answer within the page's limit.",
            "Narrow the question: choose a cluster, a kind or a namespace.",
        )
    if isinstance(error, errors.UndefinedTable | errors.UndefinedFunction | errors.UndefinedColumn):
        try:
            return _refusal(request, 503, *_of_another_version())
        except Busy as busy:
            return _busy(request, busy)
        except StoreError as lost:
            return _no_database(request, lost)
        except psycopg.Error as another:
            error = another
    if isinstance(error, errors.LockNotAvailable):
        return _refusal(
            request,
            503,
            "The inventory is being changed",
            "A table is locked, as for the seconds of an upgrade.",
            "Try again.",
        )
    if isinstance(error, errors.InsufficientPrivilege):
        return _refusal(
            request,
            503,
            "The page's role may not read this",
            "PostgreSQL refused the role that the page reads by.",
            "docs/page.md has the grants that it needs.",
        )
    return _refusal(request, 503, "The inventory can not be read", f"PostgreSQL: {type(error).__name__}")


@app.get("/static/{name}")
def static(name: str) -> Response:
    if name not in pages.STATIC:
        raise HTTPException(404, "No such file.")
    headers = {"Cache-Control": "private, max-age=86400"}
    return Response(pages.static(name), media_type=pages.STATIC[name], headers=headers)


app.include_router(views)


@app.get("/{path:path}")
def nothing(path: str) -> Response:
    """The last one, so that an address that is none says no more than any other to who may not ask."""
    raise HTTPException(404, "The address is wrong, or of another version of the page.")
