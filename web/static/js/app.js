// On every page behind the login: the service worker, what is unsent, the logout.
import { session } from "./api.js";
import { changed, dismiss, flush, prepare, state } from "./outbox.js";
import { offerPush } from "./push.js";
import { drawTo } from "./sound.js";
import { clockTime, say } from "./words.js";
import { endShift } from "./vault.js";

const box = document.getElementById("unsent");

const element = (tag, classes, text) => {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  if (text !== undefined) made.textContent = text;
  return made;
};

/** What an action is called where it is listed. */
export function actionName(action) {
  return action.what || action.url.split("/").pop();
}

let showing = Promise.resolve();
function show() {
  showing = showing.then(async () => {
    const { actions, conflicts, ended } = await state();
    const parts = [];
    if (actions.length) {
      const waits = element("div", "unsent-waits");
      waits.append(element("strong", "", say(ended ? "unsent_ended" : "unsent", { n: actions.length })));
      const list = element("ul");
      for (const one of actions) {
        list.append(element("li", "", `${clockTime(one.made, Date.now())} ${actionName(one)}`));
      }
      waits.append(list);
      parts.push(waits);
    }
    for (const one of conflicts) {
      const refused = element("div", "conflict");
      refused.append(element("strong", "", say("conflict", {
        what: actionName(one), time: clockTime(one.made, Date.now()),
      })), element("p", "", one.error));
      if (one.content?.note) refused.append(element("blockquote", "note", one.content.note));
      if (one.content?.values) {
        refused.append(element("p", "", Object.entries(one.content.values).map((pair) => pair.join(" ")).join(", ")));
      }
      const row = element("div", "actions");
      const found = /^\/api(\/episodes\/\d+)\//.exec(one.url);
      if (found) {
        const link = element("a", "button quiet", say("look"));
        link.href = found[1];
        row.append(link);
      }
      const gone = element("button", "button quiet", say("understood"));
      gone.type = "button";
      gone.addEventListener("click", () => dismiss(one.seq));
      row.append(gone);
      refused.append(row);
      parts.push(refused);
    }
    box.replaceChildren(...parts);
    box.hidden = parts.length === 0;
  }).catch((error) => console.warn("unsent", error));
}

if (box) {
  changed.addEventListener("change", show);
  prepare().then(show).then(flush);
}

/** Send what waits, then forget what is kept, then log out. */
const logout = document.getElementById("logout");
logout?.addEventListener("submit", async (event) => {
  event.preventDefault();
  await Promise.race([flush(), new Promise((done) => { setTimeout(done, 3000); })]);
  await endShift().catch(() => {});
  document.dispatchEvent(new Event("saimi:leaving"));
  try {
    const { token } = await session();
    await fetch("/logout", {
      method: "POST", redirect: "manual",
      headers: { "Content-Type": "application/x-www-form-urlencoded", "X-Saimi-Token": token },
    });
  } catch { /* out of reach: what was kept is gone all the same */ }
  location.href = "/login/out";
});

/** The menu closes by Escape, and by whatever happens outside of it. */
const menu = document.querySelector(".menu");
menu?.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu.open) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
for (const kind of ["pointerdown", "focusin"]) {
  document.addEventListener(kind, ({ target }) => { if (menu && !menu.contains(target)) menu.open = false; });
}

if (box && "serviceWorker" in navigator && isSecureContext) {
  navigator.serviceWorker.register("/sw.js").then(async () => {
    const registration = await navigator.serviceWorker.ready;
    const language = document.documentElement.lang;
    try {
      if (localStorage.getItem("saimi-shell") !== language) {
        registration.active?.postMessage("shells");
        localStorage.setItem("saimi-shell", language);
      }
    } catch { /* private browsing */ }
    await offerPush(registration);
  }).catch(() => {});
  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (data?.what === "push") drawTo([{ id: data.episode, severity: data.severity }], "push");
  });
}

// The desk's pages stand in a row that a phone shows a part of: the part with this page.
document.querySelector(".desk-nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
