// What pages do beyond HTML. Everything works without it.
(() => {
  // A page that came back with errors starts at their summary, so that it is read out first.
  document.querySelector(".alert[tabindex]")?.focus();

  // A form is sent once: a second click while the answer is under way does nothing.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    setTimeout(() => { delete form.dataset.sent; }, 8000);
  });
  // Coming back by the browser's cache must leave the form usable.
  addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => { delete form.dataset.sent; });
  });

  // A form that only carries people on to somebody else's page sends itself; its button is for where there is no script.
  document.querySelector("form[data-goes-on]")?.submit();

  // Printing needs a script: the style sheet shows its button only where there is one.
  document.documentElement.classList.add("scripts");
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) print();
  });
})();
