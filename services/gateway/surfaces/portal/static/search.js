// Search, made livelier. Typing help is an editable combobox with a list (WAI-ARIA Authoring Practices Guide); it puts
// its roles on by itself, so that without a script the field is a field. Filters change the results alone (by htmx).
(() => {
  const WAIT = 180;
  const form = document.querySelector("form[data-suggest]");
  if (form) help(form, form.querySelector("input[type=search]"));

  function help(form, input) {
    const list = Object.assign(document.createElement("ul"), { id: "suggestions", hidden: true });
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", form.dataset.label);
    const said = Object.assign(document.createElement("p"), { className: "vh" });
    said.setAttribute("role", "status");
    input.parentElement.append(list);
    form.append(said);
    const roles = { role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false" };
    for (const [name, value] of Object.entries(roles)) input.setAttribute(name, value);

    const known = new Map();
    let offered = [];
    let at = -1;
    let timer;
    let asking;
    let quiet = 0;

    function close() {
      clearTimeout(timer);
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      mark(-1);
    }

    function mark(index) {
      at = index;
      [...list.children].forEach((each, n) => each.setAttribute("aria-selected", String(n === at)));
      if (at < 0) input.removeAttribute("aria-activedescendant");
      else input.setAttribute("aria-activedescendant", list.children[at].id);
    }

    function show(found) {
      offered = found;
      list.replaceChildren(...found.map((each, n) => {
        const option = Object.assign(document.createElement("li"), { id: `suggestion-${n}`, textContent: each.text });
        option.setAttribute("role", "option");
        return option;
      }));
      mark(-1);
      list.hidden = !found.length;
      input.setAttribute("aria-expanded", String(!!found.length));
      said.textContent = found.length ? form.dataset.some.replace("{n}", found.length) : form.dataset.none;
    }

    function choose(index) {
      const { text, href } = offered[index];
      close();
      if (href) { location.assign(href); return; }
      input.value = text;
      form.requestSubmit();
    }

    async function ask() {
      const typed = input.value.trim();
      asking?.abort();
      if (!typed || Date.now() < quiet) { close(); said.textContent = ""; return; }
      if (known.has(typed)) { show(known.get(typed)); return; }
      asking = new AbortController();
      try {
        const answer = await fetch(`${form.dataset.suggest}?q=${encodeURIComponent(typed)}`, { signal: asking.signal });
        // Too many questions from this address, or an outage: people type on without help.
        if (!answer.ok) { quiet = Date.now() + 60000; close(); return; }
        const { suggestions } = await answer.json();
        known.set(typed, suggestions);
        if (input.value.trim() === typed && document.activeElement === input) show(suggestions);
      } catch { /* offline, or typed on */ }
    }

    function soon() { clearTimeout(timer); timer = setTimeout(ask, WAIT); }
    // What an input method is still composing is no text yet.
    input.addEventListener("input", (event) => { if (!event.isComposing) soon(); });
    input.addEventListener("compositionend", soon);
    input.addEventListener("blur", close);
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const open = !list.hidden;
      if (event.key === "Escape" && open) { event.preventDefault(); close(); }
      else if (event.key === "Enter" && open && at >= 0) { event.preventDefault(); choose(at); }
      else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (!open) { ask(); return; }
        const step = event.key === "ArrowDown" ? 1 : -1;
        // From the field into the list at either end, and out of it again.
        const next = at + step;
        mark(at < 0 && step < 0 ? offered.length - 1 : next >= offered.length ? -1 : next);
      }
    });
    list.addEventListener("pointerdown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const index = [...list.children].indexOf(event.target.closest("[role=option]"));
      if (index >= 0) choose(index);
    });
  }

  // Results that came in by themselves: the address and the links that keep it follow, and their number is said.
  const place = document.getElementById("finding");
  if (!place) return;
  // An error is a page, not a list: asked for as a page, it says what is so and what to do.
  document.addEventListener("htmx:after:request", (event) => {
    if (event.detail.ctx.response?.status >= 400) form.requestSubmit();
  });
  const said = document.querySelector("[data-heard]");
  new MutationObserver(() => {
    const results = place.querySelector("[data-address]");
    if (!results || results.dataset.address === location.pathname + location.search) return;
    history.replaceState(null, "", results.dataset.address);
    for (const link of document.querySelectorAll(".menu a[href*='?']")) {
      const old = new URL(link.href);
      if (old.searchParams.has("next")) {
        old.searchParams.set("next", results.dataset.address);
        link.href = old;
        continue;
      }
      const moved = new URL(results.dataset.address, location);
      for (const name of ["lang", "mode"]) if (old.searchParams.has(name)) moved.searchParams.set(name, old.searchParams.get(name));
      link.href = moved;
    }
    said.textContent = place.querySelector("[data-saying]")?.textContent ?? "";
  }).observe(place, { childList: true });
})();
