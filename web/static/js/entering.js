// Entering what no device measures, or what a meter shows; breaths are counted over a minute.
import { prepareDialog } from "./dialogs.js";
import { say } from "./words.js";

const MINUTE = 60;

/** Taps count breaths; after 60 seconds, or when it is stopped, the rate a minute is filled in. */
function prepareCounter(box, field) {
  const tap = box.querySelector("[data-breath]");
  const left = box.querySelector("[data-left]");
  let began = 0;
  let count = 0;
  let timer = null;
  const seconds = () => (performance.now() - began) / 1000;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    navigator.vibrate?.(200);
    field.value = String(count);
    left.textContent = say("breaths_done", { n: count });
    tap.textContent = say("breaths_start");
  };
  tap.addEventListener("click", () => {
    if (timer === null) {
      began = performance.now();
      count = 0;
      timer = setInterval(() => {
        const rest = Math.ceil(MINUTE - seconds());
        if (rest <= 0) stop();
        else left.textContent = say("breaths_left", { n: rest });
      }, 250);
      left.textContent = say("breaths_left", { n: MINUTE });
    } else {
      count += 1;
    }
    if (timer !== null) tap.textContent = say("breaths_tap", { n: count });
  });
  return () => {
    clearInterval(timer);
    timer = null;
    left.textContent = "";
    tap.textContent = say("breaths_start");
  };
}

/** Set up the dialog; `article` holds whom the alert is about. Returns what opens it. */
export function prepareEntering(dialog, article, send) {
  const form = dialog.querySelector("form");
  const reset = prepareCounter(dialog.querySelector("[data-counter]"), form.elements.respiratory_rate);
  const clients = dialog.querySelector("[data-clients]");
  const open = prepareDialog(dialog, {
    check(content) {
      const values = Object.values(content).filter((one) => typeof one === "number");
      if (!values.length) return say("enter_first");
      return values.some(Number.isNaN) ? say("not_a_number") : "";
    },
    send: ({ client, ...values }) => send({ values, ...(client ? { client } : {}) }),
  });
  return () => {
    reset();
    const people = [...article().querySelectorAll("[data-client]")];
    clients.hidden = people.length < 2;
    clients.querySelector("select").replaceChildren(...people.map((one) =>
      Object.assign(document.createElement("option"), { value: one.dataset.client, textContent: one.dataset.name })));
    open();
  };
}
