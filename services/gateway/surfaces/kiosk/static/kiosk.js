// The kiosk: touching and typing count as being there; in time it leaves, and nothing stays in the browser.
(() => {
  const root = document.documentElement;
  if (!root.classList.contains("kiosk")) return;
  const box = document.getElementById("session");
  const rest = 4;

  // A page from the browser's memory is the last person's.
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  // A second window would stay behind; suggestions would be somebody else's words.
  document.querySelectorAll("a[target], form[target]").forEach((each) => each.removeAttribute("target"));
  document.querySelectorAll("form, input, textarea").forEach((each) => { each.autocomplete = "off"; });

  let touched = Date.now();
  let asked = Date.now();
  const touch = () => {
    touched = Date.now();
    if (box && touched - asked > 8000) {
      asked = touched;
      box.querySelector("form").requestSubmit();
    }
  };
  ["pointerdown", "keydown", "input", "scroll"].forEach((name) => addEventListener(name, touch, { passive: true }));

  const idle = Number(box?.dataset.idle ?? 60);
  setInterval(() => {
    if (box) {
      // As the server said last (session.js): an answer that failed to come has moved nothing, and no touch moves the
      // absolute end.
      if (Date.now() > Number(box.dataset.ends) - rest * 1000) location.replace("/wiped");
    } else if (location.pathname !== "/" && !location.pathname.startsWith("/idle") && Date.now() - touched > idle * 1000) {
      location.replace("/");
    }
  }, 500);
})();
