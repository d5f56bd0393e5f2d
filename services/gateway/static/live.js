// Live pages: an element with data-live (a stream) and data-version (what it shows) is asked to read itself again,
// by htmx, when the stream names a later version. On every (re)connect the stream names the present one.
(() => {
  const watched = document.querySelector("[data-live]");
  if (!watched || !window.EventSource) return;
  const source = new EventSource(watched.dataset.live);
  source.addEventListener("version", (event) => {
    const shown = document.querySelector("[data-live]");
    if (shown && Number(event.data) > Number(shown.dataset.version)) {
      shown.dispatchEvent(new CustomEvent("newer", { bubbles: true }));
    }
  });
  addEventListener("pagehide", () => source.close());
})();
