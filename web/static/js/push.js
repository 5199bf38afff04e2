// The switch for push messages, and whose this browser's are.
import { post, session } from "./api.js";
import { say } from "./words.js";

const RENEWED = "saimi-push"; // Whom they were last said to be for, and on which day.

const push = document.getElementById("push");
const text = document.getElementById("push-text");

function tell(subscribed) {
  push.hidden = false;
  push.setAttribute("aria-pressed", String(subscribed));
  text.textContent = say(subscribed ? "push_on" : "push_off");
}

async function subscribe(manager) {
  const { key } = await (await fetch("/api/push", { cache: "no-store" })).json();
  let had = await manager.getSubscription();
  // Made for another key than the service signs with now: nothing would come by it.
  if (had && !isFor(had, key)) {
    await had.unsubscribe();
    had = null;
  }
  const made = had ?? await manager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  const { endpoint, keys } = made.toJSON();
  await post("/api/push/subscribe", { endpoint, keys });
  await remember();
}

function isFor(subscription, key) {
  const bytes = new Uint8Array(subscription.options.applicationServerKey ?? []);
  const known = btoa(String.fromCharCode(...bytes));
  return known.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "") === key;
}

const mine = async () => `${(await session()).member} ${new Date().toDateString()}`;

async function remember() {
  try { localStorage.setItem(RENEWED, await mine()); } catch { /* private browsing */ }
}

/** A phone goes from hand to hand: what wakes it is for whoever is logged in, not for the last. */
async function renew(manager) {
  let last = null;
  try { last = localStorage.getItem(RENEWED); } catch { /* private browsing */ }
  if (last !== await mine()) await subscribe(manager);
}

/** Show the switch, if this browser knows push messages. */
export async function offerPush({ pushManager }) {
  if (!push || !pushManager) return;
  const had = await pushManager.getSubscription();
  tell(Boolean(had));
  if (had) renew(pushManager).catch(() => {}); // Out of reach: with the next page.
  push.addEventListener("click", async () => {
    push.disabled = true;
    try {
      const subscribed = await pushManager.getSubscription();
      if (subscribed) {
        await post("/api/push/unsubscribe", { endpoint: subscribed.endpoint });
        await subscribed.unsubscribe();
        return tell(false);
      }
      if (await Notification.requestPermission() !== "granted") {
        text.textContent = say("push_denied");
        return;
      }
      await subscribe(pushManager);
      tell(true);
    } catch (error) {
      text.textContent = error.message || say("push_denied");
    } finally {
      push.disabled = false;
    }
  });
}
