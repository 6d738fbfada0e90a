// The words, in the reader's language: one module for each. A test holds both to the same keys.

const LANGUAGES = { en: () => import("./en.js"), fr: () => import("./fr.js") };
const KEPT_AS = "console.language";

let words = {};
export let language = "en";
export let locale = "en";

export const languages = Object.keys(LANGUAGES);

// Loads the words of `chosen`, else of the language that was chosen before, else of the browser's first that is there.
export async function loadLanguage(chosen) {
  const asked = [chosen, localStorage.getItem(KEPT_AS), ...navigator.languages.map((tag) => tag.slice(0, 2))];
  language = asked.find((one) => languages.includes(one)) ?? "en";
  locale = navigator.languages.find((tag) => tag.slice(0, 2) === language) ?? language;
  words = (await LANGUAGES[language]()).default;
  document.documentElement.lang = language;
  if (chosen) localStorage.setItem(KEPT_AS, chosen);
}

// The words of a key, with `values` in their places. Words that depend on a number have a form for each plural category.
export function t(key, values = {}) {
  const found = words[key] ?? key;
  const form = typeof found === "object" ? found[new Intl.PluralRules(locale).select(values.count)] ?? found.other : found;
  return form.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

export const isTold = (key) => key in words;

// The words of one of the API's names, such as a state; the name itself where a later release has more of them.
export const named = (kind, name) => (isTold(`${kind}.${name}`) ? t(`${kind}.${name}`) : String(name ?? "").replaceAll("_", " "));
