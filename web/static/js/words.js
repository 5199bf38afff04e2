// The page's texts, in the member's language.
const words = JSON.parse(document.getElementById("words").textContent);

/** A text by its key, with {placeholders} filled in. */
export function say(key, values = {}) {
  return words[key].replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

const language = document.documentElement.lang;
const locale = { fi: "fi-FI", sv: "sv-FI", en: "en-GB" }[language] ?? "fi-FI";

/** Hours and minutes, county time. */
export const clockTime = new Intl.DateTimeFormat(locale, {
  hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "Europe/Helsinki",
});

/** A formatter of numbers with a fixed count of decimals. */
export function numbers(decimals) {
  return new Intl.NumberFormat(locale, {
    minimumFractionDigits: decimals, maximumFractionDigits: decimals,
  });
}

/** A formatter of dates and times, county time. */
export function dates(options) {
  return new Intl.DateTimeFormat(locale, { timeZone: "Europe/Helsinki", ...options });
}
