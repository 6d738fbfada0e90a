// The address's question: what a view is asked for, kept in the address so that it can be sent to a colleague.

// Changes the address's question without a step in the history.
export function ask(path, query) {
  const said = Object.entries(query).filter(([, value]) => value);
  const text = new URLSearchParams(said).toString();
  location.replace(`#/${path}${text && `?${text}`}`);
}
