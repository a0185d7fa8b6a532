// Light or dark, as Airflow is: its own switch where this stands in its frame, what it has stored else.
(() => {
  const own = document.documentElement;
  const framed = () => {
    try {
      return window.parent !== window ? window.parent.document.documentElement : null;
    } catch {
      return null; // a stranger's frame; the browser will not show this there
    }
  };
  const wanted = () => {
    const outer = framed();
    if (outer) {
      if (outer.classList.contains("dark")) return "dark";
      if (outer.classList.contains("light")) return "light";
    }
    let stored = null;
    try {
      stored = localStorage.getItem("theme");
    } catch {}
    if (stored === "dark" || stored === "light") return stored;
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  };
  const follow = () => own.setAttribute("data-theme", wanted());
  follow();
  const outer = framed();
  if (outer) {
    own.setAttribute("data-framed", "");
    new MutationObserver(follow).observe(outer, { attributes: true, attributeFilter: ["class", "data-theme"] });
  }
  addEventListener("storage", follow);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", follow);
})();
