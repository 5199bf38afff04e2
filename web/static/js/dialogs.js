// The forms of an alert's page: each is a dialog whose form is sent as one action. What was written
// stays until the service, or at least this phone, has it.
import { returnFocus } from "./focus.js";
import { say } from "./words.js";

/** Code points of the trimmed text, as the service counts them. */
const lengthOf = (text) => [...text.trim()].length;

function counted(note) {
  const left = document.getElementById(note.getAttribute("aria-describedby"));
  const free = Number(note.dataset.max) - lengthOf(note.value);
  left.textContent = free < 0 ? say("too_long", { n: -free }) : free < 500 ? say("characters", { n: free }) : "";
  left.toggleAttribute("data-over", free < 0);
  note.setAttribute("aria-invalid", String(free < 0));
  return free >= 0;
}

/** The form's content as JSON: numbers where the field is of them, nothing for what is empty. */
export function contentOf(form) {
  const content = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || field.closest("[data-apart]")) continue;
    if (field.type === "radio") {
      if (field.checked) content[field.name] = field.dataset.number === undefined ? field.value : Number(field.value);
    } else if (field.type === "checkbox") {
      content[field.name] = field.checked;
    } else if (field.dataset.number !== undefined) {
      const text = field.value.trim().replace(",", ".");
      if (text !== "") content[field.name] = Number(text);
    } else {
      content[field.name] = field.value;
    }
  }
  return content;
}

/**
 * Set up one dialog. `check(content, form)` gives a sentence that refuses it, or "";
 * `send(content, form)` does it, and throws what is shown in the dialog.
 */
export function prepareDialog(dialog, { check = () => "", send }) {
  const form = dialog.querySelector("form");
  const failed = form.querySelector("[role=alert]");
  const notes = [...form.querySelectorAll("textarea")];
  const button = form.querySelector("[type=submit]");
  const refuse = (sentence) => {
    failed.textContent = sentence;
    failed.hidden = !sentence;
  };
  for (const note of notes) note.addEventListener("input", () => counted(note));
  // The browser goes back to the button that opened it, which may have been drawn anew since.
  dialog.addEventListener("close", returnFocus);
  form.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const content = contentOf(form);
    refuse(check(content, form));
    if (!failed.hidden) return;
    const long = notes.find((note) => !counted(note));
    if (long) return long.focus();
    button.disabled = true;
    try {
      await send(content, form);
      dialog.close();
      form.reset();
      notes.forEach(counted);
    } catch (error) {
      refuse(error.message);
    } finally {
      button.disabled = false;
    }
  });
  return () => { refuse(""); dialog.showModal(); };
}
