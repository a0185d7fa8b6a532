// What pages can not do by links and forms: runs of the DAG, by Airflow's own API and the user's own login, and keys.
(() => {
  const airflow = document.documentElement.dataset.airflow;
  const dag = document.documentElement.dataset.dag;

  const say = (text, run) => {
    const said = document.getElementById("said");
    if (!said) return;
    said.textContent = text;
    if (run) {
      const link = document.createElement("a");
      link.href = `${airflow}/dags/${encodeURIComponent(dag)}/runs/${encodeURIComponent(run)}`;
      link.textContent = run;
      link.dataset.top = "";
      said.append(" ", link);
    }
  };

  // Only a click of the user comes here, and only Airflow's API acts: it asks for its own token, which no other site's
  // request carries.
  const trigger = async (button) => {
    button.disabled = true;
    say("Asking Airflow for a run …");
    try {
      const answer = await fetch(`${airflow}/api/v2/dags/${encodeURIComponent(dag)}/dagRuns`, {
        method: "POST",
        credentials: "same-origin",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify({ logical_date: null, conf: JSON.parse(button.dataset.trigger) }),
      });
      const said = await answer.json().catch(() => ({}));
      if (answer.ok) say("Airflow took the run; look here again when it has ended:", said.dag_run_id);
      else if (answer.status === 401) say("You are logged out: log in to Airflow again.");
      else if (answer.status === 403) say("You may not trigger this DAG.");
      else say(`Airflow refused the run (${answer.status}): ${typeof said.detail === "string" ? said.detail : "no reason given"}`);
    } catch {
      say("Airflow could not be reached.");
    } finally {
      button.disabled = false;
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-trigger]");
    if (button) return void trigger(button);
    const closing = event.target.closest("[data-close]");
    if (closing) {
      const opened = closing.closest("td[id]");
      if (opened) {
        opened.replaceChildren();
        opened.closest("tbody").querySelector("a.cell")?.focus();
      } else location.href = `${airflow}/${dag}/`;
      return;
    }
    const copying = event.target.closest("[data-copy]");
    if (copying) {
      navigator.clipboard?.writeText(copying.dataset.copy).then(() => say("Copied."), () => say("Copy it by hand."));
      return;
    }
    // Airflow's frame may not be left by a link of its content: the page around it is asked to go there.
    const link = event.target.closest("a[data-top]");
    if (link && window.parent !== window) {
      event.preventDefault();
      const outer = window.parent.document.createElement("a");
      outer.href = link.href;
      window.parent.document.body.append(outer);
      outer.click();
      outer.remove();
    }
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      document.getElementById("find")?.focus();
    }
    if (event.key === "Escape" && !typing) event.target.closest("td[id]")?.querySelector("[data-close]")?.click();
  });

  // What was opened is what the user looks at next.
  document.addEventListener("htmx:afterSwap", (event) => {
    const first = event.detail.target.querySelector("h2");
    if (first && event.detail.target.matches("td[id]")) {
      first.tabIndex = -1;
      first.focus();
    }
  });
  // A part that does not come must not look as if it were still under way.
  const failed = (event, text) => {
    const part = event.detail.elt;
    if (part.getAttribute("hx-trigger") === "load") part.firstElementChild?.replaceChildren(text);
    else say(text);
  };
  document.addEventListener("htmx:responseError", (event) => {
    const why = {
      401: "You are logged out: log in to Airflow again.",
      503: "Too many ask at once, or the database is away: load the page again.",
      504: "This takes longer than the page's limit.",
    };
    const code = event.detail.xhr.status;
    failed(event, why[code] ?? `This part could not be had (${code}).`);
  });
  document.addEventListener("htmx:sendError", (event) => failed(event, "Airflow could not be reached."));
})();
