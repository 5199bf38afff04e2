// Runs before the page is drawn, so that a dark room stays dark.
(() => {
  const key = "saimi-theme";
  const stored = () => {
    try { return localStorage.getItem(key) || "auto"; } catch { return "auto"; }
  };
  const show = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  };
  show(stored());
  document.addEventListener("DOMContentLoaded", () => {
    for (const input of document.querySelectorAll("[data-theme-choice] input")) {
      input.checked = input.value === stored();
      input.addEventListener("change", () => {
        try { localStorage.setItem(key, input.value); } catch { /* private browsing */ }
        show(input.value);
        document.dispatchEvent(new Event("saimi:theme"));
      });
    }
    const menu = document.querySelector("details.menu");
    if (!menu) return;
    document.addEventListener("click", (event) => {
      if (menu.open && !menu.contains(event.target)) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { menu.open = false; menu.querySelector("summary").focus(); }
    });
  });
})();
