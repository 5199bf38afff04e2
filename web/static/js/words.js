// The page's texts, in the member's language.
const words = JSON.parse(document.getElementById("words").textContent);

/** A text by its key, with {placeholders} filled in. */
export function say(key, values = {}) {
  return words[key].replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

const language = document.documentElement.lang;
const locale = { fi: "fi-FI", sv: "sv-FI", en: "en-GB" }[language] ?? "fi-FI";

/** How hours and minutes are written: 7.05 in Finland, 07:05 in English; as the service does. */
export const HOURS = { hour: language === "en" ? "2-digit" : "numeric", minute: "2-digit", hourCycle: "h23" };

const county = { timeZone: "Europe/Helsinki" };
const hours = new Intl.DateTimeFormat(locale, { ...HOURS, ...county });
const date = new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "numeric", ...county });

/** Hours and minutes in the county, with the day behind them unless it is the day of `now`. */
export function clockTime(at, now) {
  const on = date.format(at);
  return on === date.format(now) ? hours.format(at) : `${hours.format(at)} (${on})`;
}

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
