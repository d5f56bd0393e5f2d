// The session's end: warned of in time, moved by going on. Without this script the server ends it all the same.
(() => {
  const box = document.getElementById("session");
  if (!box) return;
  const warning = Number(box.dataset.warning) * 1000;
  const words = box.querySelector("[data-words]");
  const form = box.querySelector("form");
  let endsAt = Date.now() + Number(box.dataset.left) * 1000;
  let asked = 0;

  async function ask() {
    // Another tab may have gone on in the meantime.
    const answer = await fetch("/session", { headers: { accept: "application/json" } });
    const state = await answer.json();
    if (!state.signed_in) {
      location.assign(`/session/ended?next=${encodeURIComponent(location.pathname + location.search)}`);
      return;
    }
    endsAt = Date.now() + state.seconds_left * 1000;
  }

  async function tick() {
    const left = endsAt - Date.now();
    if (left <= warning && Date.now() - asked > 10000) {
      asked = Date.now();
      try { await ask(); } catch { /* offline: count on */ }
    }
    const now = endsAt - Date.now();
    box.hidden = now > warning;
    // Ten-second steps: a status that changes each second would be read out each second. Never more than there is.
    const shown = Math.max(10, Math.floor(now / 10000) * 10);
    const text = words.dataset.template.replace("{n}", shown);
    if (!box.hidden && words.textContent !== text) words.textContent = text;
    if (now <= 0) { asked = 0; try { await ask(); } catch { /* offline */ } }
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    delete form.dataset.sent;
    const answer = await fetch("/session", {
      method: "POST", body: new URLSearchParams(new FormData(form)), headers: { accept: "application/json" },
    });
    if (!answer.ok) { location.reload(); return; }
    const state = await answer.json();
    endsAt = Date.now() + (state.seconds_left ?? 0) * 1000;
    box.hidden = endsAt - Date.now() > warning;
  });
  setInterval(tick, 1000);
})();
