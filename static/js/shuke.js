// What the pages do beyond links and forms. Everything here is a convenience: without it all still works.
(() => {
  "use strict";

  // A key to the search field, as the field itself says.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.ctrlKey || event.metaKey || event.altKey || typing) return;
    const field = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (field) {
      event.preventDefault();
      field.focus();
      field.select();
    }
  });

  // An open menu closes when one looks elsewhere.
  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.open = false;
  };
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeMenus());

  // One press of a button is one request.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) return event.preventDefault();
    if (form.method !== "post" || form.hasAttribute("hx-post")) return;
    form.dataset.sent = "1";
    form.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // A choice that filters a list sends itself.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-auto]");
    if (form && !form.hasAttribute("hx-get")) form.requestSubmit();
  });

  // A list to hang up.
  for (const button of document.querySelectorAll("button[data-print]")) button.hidden = false;
  document.addEventListener("click", (event) => event.target.closest("button[data-print]") && print());

  // The words of a task, into the clipboard.
  const showCopying = () => {
    if (!navigator.clipboard) return;
    for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-copy]");
    const words = button && document.getElementById(button.dataset.copy);
    if (words) navigator.clipboard.writeText(words.textContent).then(() => { button.textContent = button.dataset.copied; });
  });
  document.addEventListener("htmx:afterSwap", showCopying);
  showCopying();

  // The server did not answer, or not well.
  const lost = (shown) => {
    const notice = document.getElementById("lost");
    if (notice) notice.hidden = !shown;
  };
  for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.addEventListener(name, () => lost(true));
  }
  document.addEventListener("htmx:afterOnLoad", (event) => event.detail.successful !== false && lost(false));
})();
