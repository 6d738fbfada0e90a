// Amounts that somebody types, written as in the reader's language. The API takes exact decimal strings.

import { html } from "./vendor-preact.js";
import { locale, t } from "./i18n.js";
import { CheckedInput } from "./parts.js";

// By the mark that the reader's language puts between groups. India groups lakhs by two digits.
const GROUPED = { ",": /^[1-9]\d{0,2}(,\d{2,3})*,\d{3}(\.\d+)?$/, ".": /^[1-9]\d{0,2}(\.\d{3})+(,\d+)?$/ };
// One mark before three digits: thousands or decimals. The same mark more than once: thousands in any language.
const ONE_MARK = /^[1-9]\d{0,2}([.,])\d{3}$/;
const MARKS = /^[1-9]\d{0,2}([.,])\d{3}(\1\d{3})+$/;

const markOf = (type) => new Intl.NumberFormat(locale).formatToParts(12345.6).find((part) => part.type === type)?.value;

// How many decimals a currency has; undefined where it isn't known, or there is none.
const decimalsOf = (currency) =>
  /^[A-Z]{3}$/.test(currency ?? "") ? new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits : undefined;

// Reads what was typed: `{amount}`, or `{mistake}` with the key of its words.
export function readAmount(written, currency) {
  let text = written.replace(/[\s'’]/g, "");
  const decimals = decimalsOf(currency);
  const group = markOf("group");
  const [several, one] = [MARKS.exec(text), ONE_MARK.exec(text)];
  if (GROUPED[group]?.test(text)) text = text.replaceAll(group, "");
  else if (several || (one && decimals === 0)) text = text.replaceAll((several ?? one)[1], "");
  else if (one && !(one[1] === markOf("decimal") && decimals >= 3)) return { mistake: "amount.two_readings" };
  text = text.replace(",", ".");
  return /^\d+(\.\d+)?$/.test(text) ? { amount: text } : { mistake: "amount.mistake" };
}

// A decimal string as it is typed in the reader's language.
export const written = (text) => String(text).replace(".", markOf("decimal"));

// An amount of the API as it is typed. Zeros that the currency doesn't have would look like thousands: 5.000.
export function writtenAmount(text, currency) {
  const [whole, rest = ""] = String(text).split(".");
  const most = decimalsOf(currency);
  const shown = rest.length > most ? rest.slice(0, most) + rest.slice(most).replace(/0+$/, "") : rest;
  return written(shown ? `${whole}.${shown}` : whole);
}

// A field for an amount, which the form refuses with words while it can't be read.
export const AmountInput = ({ currency, value, ...more }) => {
  const { mistake } = value ? readAmount(value, currency) : {};
  return html`<${CheckedInput} mistake=${mistake && t(mistake)} inputmode="decimal" autocomplete="off" value=${value} ...${more} />`;
};
