// What is shown to who is not signed in, and doesn't come from the sign-in page.

import { html } from "./vendor-preact.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.js";
import { Button } from "./parts.js";
import { signIn, signOut } from "./session.js";

export const SignInPage = ({ why }) => html`
  <main class="alone">
    <p class="brand"><${Icon} name="cases" />${t("console")}</p>
    <h1>${t(`sign_in.${why}`)}</h1>
    <p>${t(`sign_in.${why}.next`)}</p>
    <p>${["no_group", "not_taken"].includes(why)
      ? html`<${Button} kind="primary" icon="leave" onClick=${signOut}>${t("sign_out")}<//>`
      : html`<${Button} kind="primary" icon="user" onClick=${signIn}>${t("sign_in")}<//>`}</p>
  </main>`;
