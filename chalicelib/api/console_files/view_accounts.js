// An account with its holders, and a holder with what was chosen, by whom, and whether e-mails reach the address.

import { html, useState } from "./vendor-preact.js";
import { ask as request, path } from "./api.js";
import { amount, currencyName } from "./format.js";
import { named, t } from "./i18n.js";
import { useChange, useLive, usePages } from "./live.js";
import { useMay } from "./member.js";
import { Answer, Asked, Badge, Empty, Facts, Id, Link, More, Notice, Panel, Table, Time, toHeading } from "./parts.js";
import { SeenBy, TransactionTable, Usual } from "./rows.js";

export const AccountView = ({ account }) => {
  const live = useLive(path(["accounts", account]), { isSlow: true });
  return html`
    <p class="crumbs"><a href="#/search">${t("nav.search")}</a></p>
    <div class="head"><h1 tabindex="-1">${t("account")} <${Id}>${account}<//></h1></div>
    <${Answer} of=${live}>${(found) => html`
      <div class="columns">
        <${Panel} id="holders" title=${t("account.holders")}>
          ${found.holders.length === 0 && html`<${Empty} icon="user" title=${t("account.no_holder")} />`}
          <ul class="people">${found.holders.map((holder) => html`
            <li key=${holder.id}><${Link} to=${["accounts", account, "holders", holder.id]}>${holder.name}<//>
              <span class="quiet">${holder.email}</span>${holder.suppressed && html`<${Badge} kind="notification" name="suppressed" />`}</li>`)}</ul>
        <//>
        <${Panel} id="usual" title=${t("usual")}>
          ${found.usual.length === 0 && html`<${Empty} icon="clock" title=${t("usual.none")} />`}
          ${found.usual.map((one) => html`<h3 key=${one.currency + one.type}>${currencyName(one.currency)} · ${named("type", one.type)}</h3><${Usual} of=${one} />`)}
        <//>
        <${SeenBy} of=${found.seen_by} />
      </div>
      <${Panel} id="history" title=${t("account.history")}>
        ${found.transactions.length === 0 ? html`<${Empty} icon="card" title=${t("account.no_transaction")} />`
          : html`<${TransactionTable} label=${t("account.history")} transactions=${found.transactions} />`}
        ${found.next_cursor && html`<p class="more"><a href=${`#/search?account=${encodeURIComponent(account)}`}>${t("account.all")}</a></p>`}
      <//>`}
    <//>`;
};

export const HolderView = ({ account, holder }) => {
  const live = useLive(path(["accounts", account]), { isStill: true });
  const found = live.data?.holders.find((one) => one.id === holder);
  return html`
    <p class="crumbs"><${Link} to=${["accounts", account]}>${t("account")} ${account}<//></p>
    <div class="head"><h1 tabindex="-1">${t("holder")} ${found?.name ?? html`<${Id}>${holder}<//>`}</h1></div>
    <${Answer} of=${live}>${() => (found ? html`
      <${Suppression} of=${found} account=${account} refresh=${live.refresh} />
      <div class="columns">
        <${Panel} id="record" title=${t("holder.record")}>
          <${Facts} of=${[
            [t("holder.id"), html`<${Id}>${found.id}<//>`], [t("holder.email"), found.email],
            [t("holder.locale"), found.locale], [t("holder.timezone"), found.timezone],
            [t("holder.enrolled_at"), html`<${Time} at=${found.enrolled_at} />`], [t("holder.updated_at"), html`<${Time} at=${found.updated_at} />`],
            [t("holder.statement"), found.statement && `${named("statement", found.statement.period)}`],
            [t("holder.next_due"), found.statement?.next_due && html`<${Time} at=${found.statement.next_due} />`],
          ]} />
        <//>
        <${Panel} id="preferences" title=${t("holder.preferences")}>
          <p class="quiet">${t(`holder.chosen_by.${found.preferences_chosen_by}`)} <${Time} at=${found.preferences_chosen_at} /></p>
          <${Preferences} of=${found.preferences} />
        <//>
      </div>
      <${Recent} account=${account} holder=${holder} />`
    : html`<${Panel}><${Empty} icon="user" title=${t("holder.none")} /><//>`)}<//>`;
};

const Preferences = ({ of }) => html`
  <${Facts} of=${[
    [t("preference.muted"), t(of.muted ? "preference.muted.yes" : "preference.muted.no")],
    [t("preference.alerts"), t(of.alerts === false ? "preference.alerts.no" : "preference.alerts.yes")],
    [t("preference.types"), of.types ? of.types.map((type) => named("type", type)).join(", ") || t("preference.types.none") : t("preference.types.all")],
    [t("preference.min_amount"), Object.entries(of.min_amount ?? {}).map(([currency, least]) => amount(least, currency)).join(", ")],
    [t("preference.quiet_hours"), of.quiet_hours && `${of.quiet_hours.from} – ${of.quiet_hours.to}`],
    [t("preference.statement"), named("statement", of.statement ?? "none")],
  ]} />`;

const Suppression = ({ of, account, refresh }) => {
  const found = of.suppressed;
  const isAdmin = useMay("admin");
  const [isLifted, setLifted] = useState(false);
  const lift = useChange(async () => {
    await request("DELETE", path(["accounts", account, "holders", of.id, "suppression"]));
    setLifted(true);
    refresh();
    toHeading();
  });
  return html`
    <div role="status">${isLifted && html`<p class="notice good">${t("suppression.lifted")}</p>`}</div>
    ${!found ? html`<${Notice} problem=${lift.problem} retry=${lift.retry} />` : html`
    <${Panel} id="suppression" class="attention" title=${t("suppression")} actions=${isAdmin && html`
      <${Asked} label=${t("suppression.lift")} question=${t("suppression.question", { email: of.email })} onYes=${lift.run} disabled=${lift.isRunning} />`}>
      <p>${named("suppression", found.reason)}</p>
      <${Facts} of=${[[t("suppression.since"), html`<${Time} at=${found.since} />`], [t("suppression.until"), found.until && html`<${Time} at=${found.until} />`]]} />
      <${Notice} problem=${lift.problem} retry=${lift.retry} />
    <//>`}`;
};

const Recent = ({ account, holder }) => {
  const pages = usePages(path(["transactions"], { account, holder, limit: 20 }), "transactions");
  return html`
    <${Panel} id="recent" title=${t("holder.recent")}>
      ${pages.rows.length > 0 && html`<${TransactionTable} label=${t("holder.recent")} transactions=${pages.rows} />`}
      ${pages.rows.length === 0 && pages.last && !pages.next && html`<${Empty} icon="card" title=${t("account.no_transaction")} />`}
      <${More} pages=${pages} />
    <//>`;
};
