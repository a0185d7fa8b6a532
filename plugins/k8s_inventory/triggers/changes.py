"""Fires when something changes in a cluster, for an `AssetWatcher`."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

if TYPE_CHECKING:
    from k8s_inventory.kinds import Kind
    from k8s_inventory.kube.contexts import Context
    from k8s_inventory.settings import Settings

log = logging.getLogger(__name__)

Made = TypeVar("Made")

MOST_KINDS = 20
"""That a trigger watches of each context: each is a connection that stays."""

_THREADS = 4
"""In which requests wait and answers are read, for all contexts together. While nothing changes, none is in use."""

_APART = 1.0
"""Seconds between two times that a context is read, however much changes in it."""

_LONGEST_SLEEP = 30.0

_CONFIGURATION_READ = 300.0
"""Seconds between two times that it is looked which contexts there are."""


class ChangeTrigger(BaseEventTrigger):
    """Fires when objects of some kinds change in some contexts, `apart` seconds after the first change of which it
    fires; so that it fires at most that often.

    It goes on from its start: of what changed before, while no triggerer ran, it knows nothing. The payload is
    `{"changed": {context: [kind, ...]}}`, names alone. So are the arguments, which Airflow keeps in its database:
    `contexts` (None: all), and `kinds` by any spelling, or families. How a context is reached, the environment of the
    triggerer says, as that of tasks does. It never ends, nor raises: Airflow would start it anew each second.
    """

    def __init__(self, *, kinds: Sequence[str], contexts: Sequence[str] | None = None, apart: float = 10.0) -> None:
        super().__init__()
        self.kinds = list(kinds)
        self.contexts = None if contexts is None else list(contexts)
        self.apart = float(apart)
        self._changed: dict[str, set[str]] = {}
        self._has_changed = asyncio.Event()
        self._trouble: dict[str, str] = {}

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            "k8s_inventory.triggers.changes.ChangeTrigger",
            {"kinds": self.kinds, "contexts": self.contexts, "apart": self.apart},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        following = asyncio.create_task(self._follow_all())
        try:
            while True:
                await self._has_changed.wait()
                await asyncio.sleep(self.apart)
                self._has_changed.clear()
                changed, self._changed = self._changed, {}
                yield TriggerEvent({"changed": {name: sorted(kinds) for name, kinds in sorted(changed.items())}})
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def _follow_all(self) -> None:
        """Follows the contexts that there are. Those that come later are found; those that go are left."""
        pool = ThreadPoolExecutor(_THREADS, "k8s-changes")
        tasks: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                found = await self._explained(pool, "", self._configured)
                if found is not None:
                    settings, kinds, contexts = found
                    for name in tasks.keys() - contexts.keys():
                        tasks.pop(name).cancel()
                    tasks = {name: task for name, task in tasks.items() if not task.done()}
                    for name in contexts.keys() - tasks.keys():
                        tasks[name] = asyncio.create_task(self._follow(pool, name, settings, kinds, contexts[name]))
                await asyncio.sleep(_CONFIGURATION_READ * random.uniform(0.8, 1.2))  # noqa: S311
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
            pool.shutdown(wait=False)

    def _configured(self) -> tuple[Settings, list[Kind], dict[str, Callable[[], Context]]]:
        from k8s_inventory.hooks.contexts import contexts
        from k8s_inventory.settings import Settings
        from k8s_inventory.sync.selection import PlanError, select

        settings = Settings.load({"contexts": self.contexts, "resources": self.kinds})
        configured = contexts(settings)
        selection = select(settings, configured)
        if selection.custom.include or len(selection.kinds) > MOST_KINDS:
            raise PlanError(
                f"start_on_changes (K8S_START_ON_CHANGES) may name {MOST_KINDS} kinds with a table of their own: "
                f"{', '.join(self.kinds)[:200]} are {len(selection.kinds)}, and "
                f"{', '.join(selection.custom.include)[:200] or 'none'} without one"
            )
        return settings, list(selection.kinds), {name: configured[name] for name in selection.contexts}

    async def _follow(
        self,
        pool: ThreadPoolExecutor,
        name: str,
        settings: Settings,
        kinds: Sequence[Kind],
        resolve: Callable[[], Context],
    ) -> None:
        from k8s_inventory.kube.changes import LIMITS, Changes
        from k8s_inventory.sync.configured import open_session

        stopped = threading.Event()
        changes = Changes(
            name, lambda: open_session(resolve(), settings, stopped=stopped, **LIMITS), kinds, stopped=stopped
        )
        try:
            while True:
                seen = await self._explained(pool, name, changes.look)
                if seen:
                    self._changed.setdefault(name, set()).update(seen)
                    self._has_changed.set()
                await asyncio.sleep(_APART if seen is not None else _LONGEST_SLEEP)
                await _readable(changes.fileno(), changes.due)
        finally:
            stopped.set()
            pool.submit(changes.close)

    async def _explained(self, pool: ThreadPoolExecutor, context: str, work: Callable[[], Made]) -> Made | None:
        """What the work returns, in a thread; None where it raised something, which the log has once."""
        from k8s_inventory.printable import ReportedError, printable
        from k8s_inventory.tracebacks import without_texts

        run = contextvars.copy_context().run
        try:
            done = await asyncio.get_running_loop().run_in_executor(pool, run, work)
        except Exception as error:
            trouble = str(error) if isinstance(error, ReportedError) else type(error).__name__
            if self._trouble.get(context) == trouble:
                return None
            self._trouble[context] = trouble
            if isinstance(error, ReportedError):
                log.error("changes start nothing: %s", printable(trouble))
            else:
                where = printable(f"changes of context {context}" if context else "changes start nothing")
                log.error("%s: not foreseen", where, exc_info=without_texts(error))
            return None
        self._trouble.pop(context, None)
        return done


async def _readable(fileno: int | None, due: float) -> None:
    """Waits until there is something to read, or an instant of the monotonic clock has come, and not for long."""
    seconds = max(0.0, min(due - time.monotonic(), _LONGEST_SLEEP))
    if fileno is None:
        await asyncio.sleep(seconds)
        return
    loop, woken = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(fileno, woken.set)
    try:
        await asyncio.wait_for(woken.wait(), seconds)
    except TimeoutError:
        pass
    finally:
        loop.remove_reader(fileno)
