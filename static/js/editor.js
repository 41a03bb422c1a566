// The rule editor, beyond its form: the unit follows what is looked at, what was folded open stays open.
(() => {
  "use strict";

  document.addEventListener("change", (event) => {
    const subject = event.target.closest(".line .subject");
    if (!subject) return;
    const line = subject.closest(".line");
    line.querySelector(".unit").textContent = subject.selectedOptions[0].dataset.unit || "";
    // What needs a number or a word asks for it next.
    const value = line.querySelector(".value input");
    if (value && !value.value && value.checkVisibility()) value.focus();
  });

  let open = [];
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target.id === "editor") open = [...event.target.querySelectorAll("details[open][id]")].map((fold) => fold.id);
  });
  document.addEventListener("htmx:load", () => {
    for (const id of open) {
      const fold = document.getElementById(id);
      if (fold) fold.open = true;
    }
  });
})();
