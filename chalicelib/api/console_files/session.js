// Who is signed in. Tokens are in memory only: a page that is loaded anew goes by the sign-in page again, which
// remembers the person. What proves the code (PKCE) is in the session's storage while the person is away.

import { Problem } from "./problem.js";

const { UserManager, WebStorageStateStore, InMemoryWebStorage } = window.oidc;
const SIGNED_OUT = "console.signed-out";

// The page's own address, without a query: where the sign-in page sends people back to.
const HOME = new URL("../console", import.meta.url).href;

let manager;
let logoutUrl;
let clientId;
let user = null;
let isLeaving = false;

export const signedOut = { why: null };

// The console's other tabs in this browser: who signs out in one is signed out in all.
const tabs = new BroadcastChannel(HOME);
tabs.onmessage = ({ data }) => user && leave(data);

// Prepares the session, and takes what the sign-in page sent along. Returns whether somebody is signed in.
export async function openSession() {
  const config = await readConfig();
  logoutUrl = config.logout_url;
  clientId = config.client_id;
  manager = new UserManager({
    authority: config.issuer,
    client_id: config.client_id,
    redirect_uri: HOME,
    response_type: "code",
    scope: "openid email profile",
    // Named here, not looked up: the page needs to ask no further host.
    metadata: {
      issuer: config.issuer,
      authorization_endpoint: config.login_url,
      token_endpoint: new URL("token", config.login_url).href,
      revocation_endpoint: new URL("revoke", config.login_url).href,
    },
    userStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
    stateStore: new WebStorageStateStore({ store: sessionStorage }),
    automaticSilentRenew: false, // `renew` does it
    loadUserInfo: false,
  });
  manager.events.addUserLoaded((loaded) => {
    user = loaded;
  });
  manager.events.addAccessTokenExpiring(() => renew(idToken()));
  addEventListener("online", () => trouble.is && renew(idToken()));
  const query = new URLSearchParams(location.search);
  if (query.has("code") || query.has("error")) await comeBack(query);
  if (sessionStorage.getItem(SIGNED_OUT)) {
    signedOut.why = sessionStorage.getItem(SIGNED_OUT);
    sessionStorage.removeItem(SIGNED_OUT);
  }
  return user !== null;
}

async function readConfig() {
  const answer = await fetch(new URL("config.json", import.meta.url)).catch(() => null);
  const config = answer?.ok && (await answer.json().catch(() => null));
  if (!config) throw new Problem(answer?.status ?? 0, { code: "no_config" });
  return config;
}

async function comeBack(query) {
  let hash = "";
  try {
    user = await manager.signinRedirectCallback(location.href);
    hash = typeof user.state === "string" && user.state.startsWith("#/") ? user.state : "";
  } catch {
    signedOut.why = query.has("error") ? "refused" : "failed";
  }
  // Neither the code nor its state stays in the address or the history.
  history.replaceState(null, "", HOME + hash);
}

// Leaves for the sign-in page, which comes back to the view that is shown now.
export async function signIn() {
  if (isLeaving) return;
  isLeaving = true;
  await manager.signinRedirect({ state: location.hash });
}

// The token that each request of the API needs.
export const idToken = () => user?.id_token ?? "";

// Whether the session can't be renewed for now, because the sign-in's service doesn't answer.
export const trouble = { is: false, heard: new Set() };

const LONGEST_RETRY_S = 120;
// Answers of the sign-in that say that it is busy, not that the session is over.
const BUSY = ["server_error", "temporarily_unavailable", "slow_down"];
const isRefusal = (error) => error?.name === "ErrorResponse" && !BUSY.includes(error.error);

let renewing = null;
let failures = 0;
let retry;

// Asks for new tokens with the refresh token, once for all requests that were sent with a token that was refused.
// Returns `renewed`, `over` if the sign-in refuses, and `later` if it can't be asked: then this tries again by itself.
export function renew(refused) {
  if (idToken() !== refused) return Promise.resolve(user ? "renewed" : "over");
  clearTimeout(retry);
  renewing ??= manager
    .signinSilent()
    .then((renewed) => (renewed ? "renewed" : "over"), (error) => (isRefusal(error) ? "over" : "later"))
    .then((how) => {
      renewing = null;
      say(how === "later");
      if (how === "over") endSession("expired");
      if (how === "later") retry = setTimeout(() => renew(idToken()), 1000 * Math.min(LONGEST_RETRY_S, 5 * 2 ** failures++));
      if (how === "renewed") failures = 0;
      return how;
    });
  return renewing;
}

function say(isTrouble) {
  if (trouble.is === isTrouble) return;
  trouble.is = isTrouble;
  trouble.heard.forEach((listener) => listener());
}

// Ends the session here, and goes by the sign-in page: it may remember the person.
export async function endSession(why) {
  if (isLeaving) return;
  user = null;
  if (why === "idle") return leave("idle");
  await manager.removeUser();
  return signIn();
}

// Ends the session here and at the sign-in page. The refresh token is worth nothing from then on.
export function signOut() {
  tabs.postMessage("signed_out");
  return leave("signed_out");
}

async function leave(why) {
  if (isLeaving) return;
  isLeaving = true;
  sessionStorage.setItem(SIGNED_OUT, why);
  await manager.revokeTokens(["refresh_token"]).catch(() => {});
  await manager.removeUser();
  user = null;
  const url = new URL(logoutUrl);
  url.search = new URLSearchParams({ client_id: clientId, logout_uri: HOME });
  location.assign(url);
}

// Nobody's console stays open on a desk that was left.
export const IDLE_MS = 30 * 60_000;
export const endWhenIdle = () => leave("idle");
