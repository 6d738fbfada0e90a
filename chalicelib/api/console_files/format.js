// Amounts, numbers and times, as the reader writes them. An amount is never a float: Intl takes exact decimal strings.

import { locale } from "./i18n.js";

const made = new Map();
const by = (kind, options) => {
  const key = `${kind.name}${locale}${JSON.stringify(options)}`;
  if (!made.has(key)) made.set(key, new kind(locale, options));
  return made.get(key);
};
const decimals = (text) => (String(text).split(".")[1] ?? "").length;

// An amount with its currency, for example "250.50" and "EUR". No decimal is cut off, whatever the currency has.
export function amount(text, currency) {
  if (text === undefined || text === null) return "–";
  const usual = by(Intl.NumberFormat, { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
  const most = Math.max(usual, decimals(text));
  return by(Intl.NumberFormat, { style: "currency", currency, maximumFractionDigits: most }).format(text);
}

export const number = (value) => (value === undefined || value === null ? "–" : by(Intl.NumberFormat, {}).format(value));

// A length of time in one unit such as "minute", in words.
export const span = (value, unit) => by(Intl.NumberFormat, { style: "unit", unit, unitDisplay: "long" }).format(value);

// A share such as "0.75", in per cent.
export const percent = (text) =>
  text === undefined || text === null ? "–" : by(Intl.NumberFormat, { style: "percent", maximumFractionDigits: 1 }).format(text);

// Seconds such as "0.12".
export const seconds = (text) =>
  text === undefined || text === null
    ? "–"
    : by(Intl.NumberFormat, { style: "unit", unit: "second", unitDisplay: "narrow", maximumFractionDigits: 2 }).format(text);

// A time of the address or of a field, in the reader's zone, for the API. What is no time stays: the API says so.
export function utc(text) {
  const time = new Date(text ?? "");
  return Number.isNaN(time.getTime()) ? text : time.toISOString();
}

// A time as a field has it (datetime-local), in the reader's zone; nothing for what is no time.
export function typedTime(text) {
  const time = new Date(text ?? "");
  if (Number.isNaN(time.getTime())) return "";
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

const when = (options) => (iso) => (iso ? by(Intl.DateTimeFormat, options).format(new Date(iso)) : "–");

// All in the reader's own time zone.
export const moment = when({ dateStyle: "medium", timeStyle: "short" });
export const preciseMoment = when({ dateStyle: "medium", timeStyle: "medium" });
export const exactMoment = when({ dateStyle: "full", timeStyle: "long" });
export const clock = when({ timeStyle: "medium" });
export const hour = when({ hour: "2-digit", minute: "2-digit" });
// A day of the API is a UTC day.
export const day = when({ day: "numeric", month: "short", timeZone: "UTC" });

const STEPS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

// How long ago, for example "3 minutes ago".
export function ago(iso, now = Date.now()) {
  const passed = Math.max(0, (now - new Date(iso)) / 1000);
  const [unit, size] = STEPS.find(([, least]) => passed >= least) ?? STEPS.at(-1);
  return by(Intl.RelativeTimeFormat, { numeric: "auto", style: "short" }).format(-Math.floor(passed / size), unit);
}

export const currencyName = (code) => by(Intl.DisplayNames, { type: "currency" }).of(code) ?? code;
export const countryName = (code) => {
  try {
    return by(Intl.DisplayNames, { type: "region" }).of(code) ?? code;
  } catch {
    return code;
  }
};
