"""One history: steps that a seed chooses, each of them run and looked at."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from k8s_inventory.kube.contexts import Context
from tests.cluster import Cluster
from tests.cluster.cluster import ADMIN, User
from tests.histories import syncs
from tests.histories.cluster_changes import DECLARED, NAMES, READER, Changes
from tests.histories.faults import FILTERED, HIDDEN, Fault, Happening, some_fault
from tests.histories.invariants import Around, Done, Living, of_source, violations
from tests.histories.syncs import Ended, Held, Order, held
from tests.proxy import Proxy

CONTEXTS: dict[str, User] = {"narrow": READER, "wide": ADMIN}
"""Two contexts of one cluster: by a user whose rights change, and by one who may do everything."""

WITHOUT_CACHE = ("--watch-cache=false",)
"""Arguments of an API server whose lists need not wait up to 100 ms until its cache has caught up with etcd."""

STEPS = 10
MOST_REQUESTS = 1000
"""Of a step. A listing has at most some dozens of pages, and whatever makes no progress is ended."""
COSTLY_EVERY = 8
"""Every so many seeds, the control plane restarts and is restored, which takes seconds."""


class Violated(AssertionError):
    """A history in which something did not hold; the message has its seed, its steps and what it was."""


@dataclass
class World:
    """The servers that histories share; each history has a database of its own."""

    cluster: Cluster
    folder: Path
    new_database: Callable[[], str]
    drop_database: Callable[[str], None]
    steps: int = 0
    watches: bool = False
    """Whether runs go on from where rows are: the API server must have a cache, which says how far watches are."""
    without: frozenset[str] = frozenset()
    """Steps and faults (`lose_a_session`, `an_object_twice`) that are left out: one that often fails hides others."""


@dataclass
class History:
    """`session_url` is what syncs connect by: of the settings that it makes, what is stored does not depend."""

    seed: int
    world: World
    proxy: Proxy
    database_url: str
    steps: list[str] = field(default_factory=list)
    runs: int = 0
    orders: list[Order] = field(default_factory=list)
    instants: dict[datetime, Held] = field(default_factory=dict)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    """The highest of each Event that was stored, by context and uid."""

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.changes = Changes(self.world.cluster, self.rng)
        options = "", "&client_encoding=latin1", "&options=-c%20default_transaction_isolation%3Dserializable"
        self.session_url = self.database_url + self.rng.choice(options)
        self.is_costly = self.seed % COSTLY_EVERY == 0
        self.kubeconfig = self.world.folder / "kubeconfig"
        self.kubeconfig.write_text(json.dumps(self._kubeconfig()))

    def _kubeconfig(self) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "proxied", "cluster": {"server": self.proxy.url}}],
            "users": [{"name": name, "user": {"token": user.token}} for name, user in CONTEXTS.items()],
            "contexts": [{"name": name, "context": {"cluster": "proxied", "user": name}} for name in CONTEXTS],
            "current-context": "wide",
        }

    def run(self, steps: int) -> None:
        """Raises `Violated` after the first step that broke something."""
        self.changes.forget_backup()
        self.changes.reset()
        for number in range(1, steps + 1):
            self.proxy.spoil = lambda path, answer: None
            self.rng.seed(f"{self.seed}/{number}")  # what a step draws is no matter of the time that others took
            step = self._choose(number)
            self.steps.append(step.__name__.strip("_"))
            try:
                found = step()
            except Exception as error:
                raise Violated(self._told([f"{type(error).__name__}: {error}"])) from error
            self.world.steps += 1
            found = [*found, *self._instants_differ(), *self._events_are_missing()]
            if found:
                raise Violated(self._told(found))

    def _instants_differ(self) -> list[str]:
        """What the tables held after each step so far is what they are said to have held then."""
        self.instants[syncs.now(self.database_url)] = held(self.database_url)
        for instant, then in self.instants.items():
            for (context, kind), rows in syncs.held_at(self.database_url, instant).items():
                kept = {uid: row.in_history for uid, row in then.of(context, kind).items()}
                said = {uid: row.in_history for uid, row in rows.items()}
                if kept != said:
                    steps = list(self.instants).index(instant) + 1
                    differing = sorted(uid for uid in kept.keys() | said.keys() if kept.get(uid) != said.get(uid))
                    uid = differing[0]
                    return [
                        f"{context} {kind}: after step {steps} it held {kept.get(uid)}, and is said to have held "
                        f"{said.get(uid)} ({len(differing)} differ)"
                    ]
        return []

    def _events_are_missing(self) -> list[str]:
        """Each Event that was ever stored is there, once, with the highest count that it was stored with."""
        known = syncs.events_ever(self.database_url)
        for (context, kind, uid), row in held(self.database_url).rows.items():
            if kind == "events":
                self.counts[context, uid] = max(row.values["count"], self.counts.get((context, uid), 0))
        found = {(context, uid): count for context, uid, count in known}
        twice = [f"{len(known) - len(found)} Events are there more than once"] if len(found) < len(known) else []
        return twice + [
            f"{context} events: {uid} was stored with the count {count}, and is kept with {found.get((context, uid))}"
            for (context, uid), count in self.counts.items()
            if found.get((context, uid), 0) < count
        ]

    def _told(self, found: list[str]) -> str:
        lines = [f"seed {self.seed}, after {len(self.steps)} steps:"]
        lines += [f"  {number}. {step}" for number, step in enumerate(self.steps, 1)]
        return "\n".join([*lines, *(f"  ! {each}" for each in found[:10])])

    def _choose(self, number: int) -> Callable[[], list[str]]:
        steps: list[tuple[Callable[[], list[str]], int]] = [
            (self._change, 6),
            (self._change_rights, 3),
            (self._change_crds, 3),
            (self._sync, 8),
            (self._sync_with_a_fault, 10),
            (self._read_source, 4),
            (self._two_at_once, 3),
            (self._forget, 2),
            (self._forget_while_syncing, 2),
        ]
        if self.is_costly:
            steps += [(self._restart, 3), (self._read_source_while_starting, 3)]
            steps += [(self._restore, 8)] if self.changes.has_backup else [(self._back_up, 8)]
        if number == 1:
            return self._sync
        steps = [(step, weight) for step, weight in steps if step.__name__[1:] not in self.world.without]
        return self.rng.choices([step for step, _ in steps], [weight for _, weight in steps])[0]

    def _say(self, what: object) -> None:
        self.steps[-1] += f": {what}"

    # -- the cluster changes -----------------------------------------------------------------------

    def _change(self) -> list[str]:
        for _ in range(self.rng.randint(1, 5)):
            self._say(self.changes.some())
        return []

    def _change_rights(self) -> list[str]:
        every = self.rng.random() < 0.3
        self._say(self.changes.give_all_rights() if every else self.changes.change_rights())
        return []

    def _change_crds(self) -> list[str]:
        self._say(self.changes.change_crds())
        return []

    def _restart(self) -> list[str]:
        self._say(self.changes.restart())
        return []

    def _back_up(self) -> list[str]:
        self._say(self.changes.back_up())
        for _ in range(4):
            self._say(self.changes.update())
        return self._sync_as_always()

    def _restore(self) -> list[str]:
        stored = {
            uid: int(row.values["resource_version"])
            for (_, kind, uid), row in held(self.database_url).rows.items()
            if kind == "pods"
        }
        self._say(self.changes.restore(stored))
        return self._sync_as_always()

    def _sync_as_always(self) -> list[str]:
        """Of all that is declared, by the defaults: what is stored then is of one rule, and versions are compared."""
        order = Order("wide", DECLARED)
        run_id = self._run_id()
        return self._around(lambda: Done([(order, self._run_sync(order, run_id))], undisturbed=True))

    # -- syncs -------------------------------------------------------------------------------------

    def _context(self, name: str) -> Context:
        return Context(name=name, kubeconfig=self._kubeconfig(), context=name)

    def _run_id(self) -> str:
        self.runs += 1
        return f"run-{self.runs}"

    def _order(self) -> Order:
        """A new one; or one of those before, as schedules repeat theirs while others ask for something else."""
        if not self.orders or self.rng.random() < 0.7:
            self.orders.append(self._new_order())
            return self.orders[-1]
        return self.rng.choice(self.orders)

    def _new_order(self) -> Order:
        rng = self.rng
        settings: dict[str, Any] = {"page_size": rng.choice((1, 2, 3, 500))}
        if rng.random() < 0.3:
            words = rng.choice((["h-*"], ["h-a"], ["h-a", "h-b"], ["-h-b"], ["*"], ["h-*", "-h-a"], ["x-d"], ["h-c"]))
            settings["namespaces"] = words
        if rng.random() < 0.25:
            selector = rng.choice(("tier=web", "tier=db"))
            settings["label_selectors"] = {rng.choice(("pods", "configmaps")): selector}
        if rng.random() < 0.1:
            settings["field_selectors"] = {"pods": f"metadata.name={rng.choice(NAMES)}"}
        if rng.random() < 0.35:
            settings["redact_env"] = False
        if rng.random() < 0.2:
            settings["config_map_values"] = True
        if rng.random() < 0.1:
            settings["verify"] = True
        kinds = DECLARED if rng.random() < 0.5 else tuple(rng.sample(DECLARED, rng.randint(1, 2)))
        return Order(rng.choice(list(CONTEXTS)), kinds, rng.random() < 0.5, settings)

    def _mode(self) -> str:
        return self.rng.choice(("full", "incremental", "incremental", "incremental", "watch"))

    def _run_sync(self, order: Order, run_id: str, at_once: int = 1, mode: str = "full") -> list[Ended]:
        order = replace(order, settings={"kinds_at_once": at_once, **order.settings})
        return syncs.sync(order, self._context(order.context), partial(syncs.connect, self.session_url), run_id, mode)

    def _around(self, act: Callable[[], Done]) -> list[str]:
        before, living_before = held(self.database_url), Living.now(self.changes)
        requests = len(self.proxy.requests)
        done = act()
        self.counts = {key: count for key, count in self.counts.items() if key[0] not in done.forgotten}
        requests = len(self.proxy.requests) - requests
        around = Around(before, held(self.database_url), living_before, Living.now(self.changes))
        self._say([f"{each.kind} {each.outcome}" for _, ended in done.orders for each in ended])
        found = violations(self.changes, around, done)
        return [*found, f"it took {requests} requests"] if requests > MOST_REQUESTS else found

    def _sync(self) -> list[str]:
        order, run_id, at_once = self._order(), self._run_id(), self.rng.choice((1, 2))
        mode = self._mode() if self.world.watches else "full"
        self._say(f"{mode} {order}")
        return self._around(
            lambda: Done([(order, self._run_sync(order, run_id, at_once, mode))], undisturbed=order.context == "wide")
        )

    def _sync_with_a_fault(self) -> list[str]:
        order, run_id, at_once = self._order(), self._run_id(), self.rng.choice((1, 1, 2))
        fault = self._fault(order.context)
        if fault.name == FILTERED:
            order = replace(order, kinds=tuple(each for each in order.kinds if each != "namespaces") or ("pods",))
        mode = self._mode() if self.world.watches else "full"
        self._say(f"{mode} {order}")

        def act() -> Done:
            self.proxy.spoil = fault
            ended = self._run_sync(order, run_id, at_once, mode)
            self.proxy.spoil = lambda path, answer: None
            self._say(fault)
            lost = any("lose" in each for each in fault.happened)
            hidden = HIDDEN if fault.name == FILTERED else ()
            return Done([(order, ended)], lost_sessions=lost, never_complete=fault.never_complete, hidden=hidden)

        return self._around(act)

    def _fault(self, context: str, with_database: bool = True) -> Fault:
        happenings: list[Happening | None] = [None, self._some_changes, self._some_changes]
        if "lose_a_session" not in self.world.without:
            happenings.append(self._lose_a_session)
        if self.is_costly:
            happenings.append(self.changes.restart)
        without = set(self.world.without)
        is_known = with_database and context in {each for each, _ in held(self.database_url).targets}
        if not is_known or (context == "narrow" and "get namespaces" not in self.changes.other_rights):
            without.add("another_cluster_answers")  # nobody could tell
        return some_fault(self.rng, happenings, without)

    def _some_changes(self) -> str:
        return ", ".join(self.changes.some() for _ in range(self.rng.randint(1, 4)))

    def _lose_a_session(self) -> str:
        """Of those that sync, as a restart of the database or a lost host would; a killed task looks the same."""
        found = list(syncs.sessions(self.database_url))
        if found:
            syncs.end_session(self.database_url, self.rng.choice(found))
        return "lose a database session"

    def _two_at_once(self) -> list[str]:
        """Two runs of the same targets: one waits for the other, whatever each covers."""
        first = self._order()
        second = Order(first.context, first.kinds, first.custom, dict(first.settings))
        with suppress(KeyError):
            del second.settings["namespaces"]  # type: ignore[attr-defined]
        orders = [(first, self._run_id()), (second, self._run_id())]
        at_once = [self.rng.choice((1, 2)) for _ in orders]
        modes = [self._mode() if self.world.watches else "full" for _ in orders]
        fault = Fault("nothing is spoiled", at=self.rng.randint(1, 4), times=0, happening=self._some_changes)
        self._say(f"{modes} {first} and {second}")

        def act() -> Done:
            self.proxy.spoil = fault
            with ThreadPoolExecutor(2) as pool:
                ended = list(pool.map(self._run_sync, *zip(*orders, strict=True), at_once, modes))
            self._say(fault)
            return Done([(order, each) for (order, _), each in zip(orders, ended, strict=True)], alone=False)

        return self._around(act)

    # -- CloudQuery --------------------------------------------------------------------------------

    def _read_source(self, while_starting: bool = False) -> list[str]:
        order, with_database = self._order(), self.rng.random() < 0.4 and not while_starting
        run_id = self._run_id() if self.rng.random() < 0.7 else ""  # the CLI may give none
        fault = self._fault(order.context, with_database) if self.rng.random() < 0.5 and not while_starting else None
        if fault and fault.name == FILTERED:  # what it then sends is all that this user is shown
            fault = None
        self._say(f"{order}{' with a database' if with_database else ''}")
        before, before_all = Living.now(self.changes), held(self.database_url)
        found: list[str] = []

        def act() -> Done:
            if fault:
                self.proxy.spoil = fault
            if while_starting:
                sent = self._while_starting(lambda: syncs.read(order, self.kubeconfig, None, run_id))
            else:
                database_url = self.session_url if with_database else None
                sent = syncs.read(order, self.kubeconfig, database_url, run_id)
            self.proxy.spoil = lambda path, answer: None
            self._say(fault or "no fault")
            self._say([f"{each.kind} {'problem' if each.problem else len(each.rows)}" for each in sent])
            if fault is None and not while_starting and order.context == "wide":
                found.extend(f"source: nothing went wrong, and it says {each.problem}" for each in sent if each.problem)
            found.extend(of_source(order, sent, before, Living.now(self.changes)))
            return self._stored_beside(order, before_all.status, sent, fault) if with_database else Done()

        return [*self._around(act), *found]

    def _stored_beside(
        self,
        order: Order,
        before: dict[tuple[str, str], syncs.Status],
        sent: list[syncs.Sent],
        fault: Fault | None,
    ) -> Done:
        """What came with a database must be in it as by any sync; its outcomes are those of the status."""
        status = held(self.database_url).status
        ended = []
        for kind in sorted({each.kind for each in sent} | set(order.kinds)):
            key = (order.context, kind)
            found = status.get(key) if status.get(key) != before.get(key) else None
            ended.append(Ended(kind, str(found.outcome) if found else "failed"))
        undisturbed = fault is None and order.context == "wide"
        return Done([(replace(order, kinds=(), custom=False), ended)], undisturbed=undisturbed, lost_sessions=True)

    def _while_starting(self, read: Callable[[], list[syncs.Sent]]) -> list[syncs.Sent]:
        """Reads as soon as the API server answers at all."""
        cluster = self.world.cluster
        restarting = threading.Thread(target=self.changes.restart)
        restarting.start()
        time.sleep(0.5)  # so that it has ended the old one
        deadline = time.monotonic() + 30
        sent: list[syncs.Sent] = []
        while time.monotonic() < deadline:
            try:
                cluster.request("GET", "/api/v1/namespaces/kube-system")
            except Exception:  # noqa: BLE001 - it is not there yet, in whatever way
                time.sleep(0.02)
                continue
            sent = read()
            break
        restarting.join()
        return sent

    def _read_source_while_starting(self) -> list[str]:
        return self._read_source(while_starting=True)

    # -- forget ------------------------------------------------------------------------------------

    def _forget(self) -> list[str]:
        context = self.rng.choice(list(CONTEXTS))
        self._say(context)

        def act() -> Done:
            with syncs.connect(self.session_url) as store, suppress(*syncs.Refused):  # nothing is known of it
                syncs.forget(store, context)
            return Done(forgotten={context})

        found = self._around(act)
        left = syncs.tables_with(self.database_url, context)
        return [*found, *(f"{context}: forgotten, and still in {table}" for table in left)]

    def _forget_while_syncing(self) -> list[str]:
        """Begun at one of the sync's requests; one of them waits, or is refused."""
        order, run_id, at_once = self._order(), self._run_id(), self.rng.choice((1, 2))
        context = order.context
        self._say(order)
        threads: list[threading.Thread] = []

        def forget() -> None:
            with syncs.connect(self.session_url) as store, suppress(*syncs.Refused):
                syncs.forget(store, context)

        def begin() -> str:
            threads.append(threading.Thread(target=forget))
            threads[-1].start()
            time.sleep(0.05)
            return f"forget {context}"

        fault = Fault("nothing is spoiled", at=self.rng.randint(1, 6), times=0, happening=begin)

        def act() -> Done:
            self.proxy.spoil = fault
            ended = self._run_sync(order, run_id, at_once)
            for each in threads:
                each.join()
            self._say(fault)
            return Done([(order, ended)], forgotten={context}, alone=False)

        return self._around(act)


def run_history(world: World, seed: int, steps: int = STEPS) -> History:
    """Runs one, in a new database. Raises `Violated`."""
    database_url = world.new_database()
    try:
        with syncs.metadata_of_small_targets(), syncs.quick_watches(), Proxy(world.cluster) as proxy:
            proxy.streams = world.watches
            history = History(seed, world, proxy, database_url)
            history.run(steps)
            return history
    finally:
        world.drop_database(database_url)
