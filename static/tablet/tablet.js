// The floor's keys. Without this script the fields are typed into and the buttons of the forms send them.
(() => {
  "use strict";

  const put = (field, what) => {
    if (what === "clear") field.value = "";
    else if (what === "back") field.value = field.value.slice(0, -1);
    else if (field.value.length < field.maxLength) field.value += what;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };

  document.addEventListener("click", (event) => {
    const key = event.target.closest("[data-put]");
    if (!key) return;
    const name = key.dataset.into || key.closest("[data-keys]").dataset.keys;
    put(document.getElementById(name), key.dataset.put);
  });

  // A guest's own menu, into the log: what was typed beside it stays.
  document.addEventListener("click", (event) => {
    const key = event.target.closest("[data-fill]");
    if (!key) return;
    event.preventDefault();
    const field = document.getElementById(key.dataset.fill);
    field.closest("details").open = true;
    field.value = key.dataset.text;
    field.focus();
  });

  // A card that was opened a while ago: the visit is now, not then. Set once, so that a second press says the same.
  const opened = performance.now();
  for (const form of document.querySelectorAll("form[data-visit]")) {
    const moment = form.elements.visited_at;
    const start = Date.parse(moment.value);
    form.elements.uuid.value ||= crypto.randomUUID();
    form.addEventListener("submit", () => {
      if (form.dataset.stamped || Number.isNaN(start)) return;
      form.dataset.stamped = "1";
      moment.value = new Date(start + (performance.now() - opened)).toISOString();
    });
  }
})();
