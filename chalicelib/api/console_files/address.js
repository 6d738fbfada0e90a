// The address's question: what a view is asked for, kept in the address so that it can be sent to a colleague.

import { useEffect, useState } from "./vendor-preact.js";

// The fields of a view's question: `[form, setForm]`. They follow the address when it changes by itself, as by Back.
export function useQuestion(query, typedIn) {
  const [form, setForm] = useState(typedIn(query));
  useEffect(() => setForm(typedIn(query)), [JSON.stringify(query)]);
  return [form, setForm];
}

// A question as the address has it.
export const textOf = (query) => new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();

// Changes the address's question without a step in the history. Returns whether it is another one than before.
export function ask(path, query) {
  const text = textOf(query);
  const before = location.hash;
  location.replace(`#/${path}${text && `?${text}`}`);
  return location.hash !== before;
}
