// Live pages: an element with data-live (a stream) and data-version (what it shows) is asked to read itself again,
// by htmx, when the stream names a later version. On every (re)connect the stream names the present one.
(() => {
  const watched = document.querySelector("[data-live]");
  if (!watched || !window.EventSource) return;
  let source;
  let wait = 10;

  function open() {
    source = new EventSource(watched.dataset.live);
    source.addEventListener("version", (event) => {
      wait = 10;
      const shown = document.querySelector("[data-live]");
      if (shown && Number(event.data) > Number(shown.dataset.version)) {
        shown.dispatchEvent(new CustomEvent("newer", { bubbles: true }));
      }
    });
    // A browser comes again by itself when a stream breaks, and not when it was refused (too many, or an outage).
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED || wait > 300) return;
      setTimeout(open, wait * 1000);
      wait *= 2;
    });
  }

  // What is so now is said where it stands still: a live region that is itself replaced is read by nobody.
  const said = document.querySelector("[data-said]");
  const place = watched.parentElement;
  new MutationObserver(() => {
    const now = place.querySelector("[data-saying]")?.textContent ?? "";
    if (said && now !== said.textContent) said.textContent = now;
  }).observe(place, { childList: true });

  open();
  addEventListener("pagehide", () => source.close());
})();
