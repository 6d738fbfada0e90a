// Requests of the `/staff` routes. A problem that the API answers (RFC 9457) becomes an exception with the same fields.

import { Problem } from "./problem.js";
import { idToken, renew } from "./session.js";

const STAFF = new URL("../staff/", import.meta.url);

// The event that says that the service doesn't take this member.
export const REFUSED = "console-member-refused";

export const counted = { requests: 0 };

// A path below `/staff`, with each part escaped, and the parts of a query that say something.
export function path(parts, query = {}) {
  const said = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(said).toString();
  return parts.map(encodeURIComponent).join("/") + (text && `?${text}`);
}

// Asks the API. Returns `{status, data, etag}`; `data` is undefined for 204 and 304.
export async function ask(method, url, { body, ifMatch, ifNoneMatch, signal } = {}) {
  const token = idToken();
  const isChange = method !== "GET";
  let answer = await send(method, url, { body, ifMatch, ifNoneMatch, signal });
  if (answer.status === 401) {
    const how = await renew(token);
    if (how === "later") throw new Problem(0, { code: "offline" }, isChange);
    if (how === "over") throw new Problem(401, { code: "not_signed_in" });
    answer = await send(method, url, { body, ifMatch, ifNoneMatch, signal });
  }
  if (answer.status === 401) {
    // A new token is refused too: to sign in again would change nothing, and go on for ever.
    dispatchEvent(new Event(REFUSED));
    throw new Problem(401, { code: "not_signed_in" });
  }
  const text = answer.status === 204 || answer.status === 304 ? "" : await answer.text();
  const data = read(text);
  if (answer.status >= 400) {
    throw Object.assign(new Problem(answer.status, data ?? {}, isChange), { retryAfter: Number(answer.headers.get("retry-after")) || 0 });
  }
  return { status: answer.status, data, etag: answer.headers.get("etag") };
}

async function send(method, url, { body, ifMatch, ifNoneMatch, signal }) {
  counted.requests += 1;
  const headers = { Authorization: `Bearer ${idToken()}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (ifMatch) headers["If-Match"] = ifMatch;
  if (ifNoneMatch) headers["If-None-Match"] = ifNoneMatch;
  try {
    return await fetch(new URL(url, STAFF), { method, headers, signal, cache: "no-store", body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { code: "offline" }, method !== "GET");
  }
}

function read(text) {
  try {
    return text ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

export const get = (url, options) => ask("GET", url, options);
export const post = (url, body = {}) => ask("POST", url, { body });
