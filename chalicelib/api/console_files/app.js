// The console: who is signed in, and which view the address names.

import { html, render, useEffect, useErrorBoundary, useState } from "./vendor-preact.js";
import { get, REFUSED } from "./api.js";
import { loadLanguage, t } from "./i18n.js";
import { endAfter } from "./live.js";
import { Member } from "./member.js";
import { Button, Notice, Waiting } from "./parts.js";
import { Problem } from "./problem.js";
import { matched } from "./routes.js";
import { endWhenIdle, IDLE_MS, openSession, signedOut, signIn } from "./session.js";
import { Shell } from "./shell.js";
import { SignInPage } from "./sign_in.js";

const hashNow = () => location.hash || "#/today";

const Console = ({ member }) => {
  const [hash, setHash] = useState(hashNow());
  const [, setTurn] = useState(0);
  useEffect(() => {
    const moved = () => {
      setHash(hashNow());
      scrollTo(0, 0);
    };
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  const chooseLanguage = (language) => loadLanguage(language).then(() => setTurn((turn) => turn + 1));
  const { view: View, section, given, query } = matched(hash);
  // A view begins anew when another thing is shown, but not when only its question changes.
  return html`
    <${Member.Provider} value=${member}>
      <${Shell} section=${section} hash=${hash} chooseLanguage=${chooseLanguage}>
        <${Guarded} hash=${hash}><${View} key=${hash.split("?")[0]} ...${given} query=${query} /><//>
      <//>
    <//>`;
};

// A view that fails says so; the others are still there.
const Guarded = ({ hash, children }) => {
  const [error, forget] = useErrorBoundary((found) => reportError(found));
  useEffect(() => { if (error) forget(); }, [hash]);
  return error ? html`
    <div class="head"><h1 tabindex="-1">${t("broken")}</h1></div>
    <p>${t("broken.next")}</p>
    <p><${Button} icon="again" onClick=${forget}>${t("again")}<//></p>` : children;
};

const place = document.getElementById("console");
let isRefused = false;
const show = (content) => isRefused || render(content, place);

addEventListener(REFUSED, () => {
  show(html`<${SignInPage} why="not_taken" />`);
  isRefused = true;
});

async function begin() {
  await loadLanguage();
  document.title = t("console");
  show(html`<${Waiting} />`);
  try {
    const isSignedIn = await openSession();
    if (!isSignedIn && !signedOut.why) return await signIn();
    if (!isSignedIn) return show(html`<${SignInPage} why=${signedOut.why} />`);
    const { data } = await get("me");
    endAfter(IDLE_MS, endWhenIdle);
    return show(html`<${Console} member=${data} />`);
  } catch (error) {
    if (!(error instanceof Problem)) reportError(error);
    const problem = error instanceof Problem ? error : new Problem(0, {});
    const page = problem.code === "group_required" ? html`<${SignInPage} why="no_group" />` : html`
      <main class="alone"><h1>${t("console")}</h1><${Notice} problem=${problem} retry=${() => location.reload()} /></main>`;
    return show(page);
  }
}

begin();
