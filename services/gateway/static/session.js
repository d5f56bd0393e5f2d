// The session's end: warned of in time, moved by going on. The server says when it is, here it is only shown; without
// this script it ends all the same. `data-ends` tells other scripts (milliseconds since 1970).
(() => {
  const box = document.getElementById("session");
  if (!box) return;
  const warning = Number(box.dataset.warning) * 1000;
  const words = box.querySelector("[data-words]");
  const form = box.querySelector("form");
  let extendable = box.dataset.extendable === "1";
  let asked = 0;

  function ends(seconds) { box.dataset.ends = Date.now() + seconds * 1000; }
  function left() { return Number(box.dataset.ends) - Date.now(); }
  ends(Number(box.dataset.left));

  // What was typed and not sent: such a form names its owner, for whom the server holds it over the sign-in.
  function typed() {
    const changed = (each) => each.type !== "hidden" && (each.tagName === "SELECT"
      ? [...each.options].some((option) => option.selected !== option.defaultSelected)
      : each.value !== each.defaultValue || each.checked !== each.defaultChecked);
    const full = (each) => "typed" in each.dataset || [...each.elements].some(changed);
    return [...document.forms].find((each) => each.elements.owner && full(each));
  }

  function leave() {
    const full = typed();
    if (full && !document.documentElement.classList.contains("kiosk")) {
      const hold = document.createElement("input");
      Object.assign(hold, { type: "hidden", name: "hold", value: "1" });
      full.append(hold);
      full.submit();
      return;
    }
    location.assign(`/session/ended?next=${encodeURIComponent(location.pathname + location.search)}`);
  }

  async function learn(answer) {
    // Busy (429, 503) or an expired form: nothing is known, and nothing that was typed is given up for it.
    if (!answer.ok) return;
    const state = await answer.json();
    if (!state.signed_in) { leave(); return; }
    extendable = state.extendable;
    ends(state.seconds_left);
  }

  async function ask() {
    asked = Date.now();
    // Another tab may have gone on in the meantime. Offline: count on.
    try { await learn(await fetch("/session", { headers: { accept: "application/json" } })); } catch { /* offline */ }
  }

  async function tick() {
    if (left() <= warning && Date.now() - asked > (left() > 0 ? 10000 : 3000)) await ask();
    show();
  }

  function show() {
    box.hidden = left() > warning;
    form.querySelector("button").hidden = !extendable;
    // Ten-second steps: a status that changes each second would be read out each second. Never more than there is.
    const shown = Math.max(10, Math.floor(left() / 10000) * 10);
    const text = (extendable ? words.dataset.template : words.dataset.last).replace("{n}", shown);
    if (!box.hidden && words.textContent !== text) words.textContent = text;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    delete form.dataset.sent;
    try {
      await learn(await fetch("/session", {
        method: "POST", body: new URLSearchParams(new FormData(form)), headers: { accept: "application/json" },
      }));
    } catch { /* offline */ }
    show();
  });
  setInterval(tick, 1000);
})();
