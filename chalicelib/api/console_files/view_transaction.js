// A transaction: what it is, what it belongs to, why it is flagged, and what each holder and endpoint got of it.

import { html } from "./vendor-preact.js";
import { path } from "./api.js";
import { amount } from "./format.js";
import { named, t } from "./i18n.js";
import { useLive } from "./live.js";
import { Answer, Badge, Empty, Facts, Id, Link, Money, Panel, Table, Time } from "./parts.js";
import { CaseState, FlagPills, Place, reason, SeenBy, Timeline, Usual, why } from "./rows.js";

const TONES = { delivered: "good", sent: "info", bounced: "bad", complained: "bad", rejected: "bad", failed: "bad", suppressed: "warn" };

export const TransactionView = ({ id }) => {
  const live = useLive(path(["transactions", id]), { isStill: true });
  return html`
    <p class="crumbs"><a href="#/search">${t("nav.search")}</a></p>
    <div class="head"><h1 tabindex="-1">${t("transaction")} <${Id}>${id}<//></h1></div>
    <${Answer} of=${live}>${(found) => html`
      <${Panel} class="hero">
        <p class="amount"><${Money} value=${found.transaction.amount} currency=${found.transaction.currency} type=${found.transaction.type} /></p>
        <p class="pills"><${Badge} kind="status" name=${found.transaction.status} /><${FlagPills} names=${Object.keys(found.transaction.flags ?? {})} /></p>
        <p><${Place} merchant=${found.transaction.merchant} /></p>
        <p class="quiet"><${Time} at=${found.transaction.timestamp} /></p>
      <//>
      <div class="columns">
        <${Flags} of=${found} />
        <${CaseOf} of=${found.case} />
        <${Story} of=${found.transaction.related ?? []} />
        <${Details} of=${found.transaction} />
        <${Notifications} of=${found.notifications} account=${found.transaction.account} />
        <${Webhooks} of=${found.webhooks} />
        <${SeenBy} of=${found.seen_by} />
      </div>`}
    <//>`;
};

const Flags = ({ of }) => {
  const flags = Object.entries(of.transaction.flags ?? {});
  return html`
    <${Panel} id="flags" title=${t("transaction.why")}>
      ${flags.length === 0 ? html`<${Empty} title=${t("transaction.no_flags")} />` : html`<ul class="reasons">${flags.map(([name, seen]) => html`
        <li key=${name}><span class="badge flag">${named("flag", name)}</span><p>${reason(name, seen)}</p></li>`)}</ul>`}
      ${of.usual && html`<h3>${t("usual")}</h3><${Usual} of=${of.usual} />`}
    <//>`;
};

const CaseOf = ({ of }) =>
  of && html`
    <${Panel} id="case" title=${t("case")} actions=${html`<${Link} to=${["cases", of.id]}>${t("case.go")}<//>`}>
      <p><${CaseState} of=${of} /></p>
      <${Facts} of=${[
        [t("case.opened_at"), html`<${Time} at=${of.opened_at} />`],
        [t("case.claimed_by"), of.claimed_by?.name],
        [t("case.closed_at"), of.closed_at && html`<${Time} at=${of.closed_at} />`],
      ]} />
    <//>`;

const Story = ({ of }) =>
  of.length > 0 && html`
    <${Panel} id="story" title=${t("story")}>
      <${Table} label=${t("story")} rows=${of} keyOf=${(one) => one.id} columns=${[
        { label: t("story.relation"), cell: (one) => named("relation", one.relation) },
        { label: t("transaction.id"), class: "main", cell: (one) => html`<${Link} to=${["transactions", one.id]}><${Id}>${one.id}<//><//>` },
        { label: t("story.role"), cell: (one) => html`<span class="quiet">${named("role", one.role)}</span>` },
      ]} />
    <//>`;

const Details = ({ of }) => html`
  <${Panel} id="details" title=${t("transaction.details")}>
    <${Facts} of=${[
      [t("transaction.account"), html`<${Link} to=${["accounts", of.account]}><${Id}>${of.account}<//><//>`],
      [t("transaction.balance"), of.balance && amount(of.balance, of.currency)],
      [t("transaction.original"), of.original?.amount && `${amount(of.original.amount, of.original.currency ?? of.currency)}${of.original.rate ? ` × ${of.original.rate}` : ""}`],
      [t("transaction.card"), of.card_last4 && `•••• ${of.card_last4}`],
      [t("transaction.mcc"), of.merchant?.mcc],
      [t("transaction.counterparty"), of.counterparty && [of.counterparty.name, of.counterparty.account].filter(Boolean).join(" · ")],
      [t("transaction.reference"), of.reference],
      [t("transaction.description"), of.description],
      [t("transaction.decline_reason"), of.decline_reason],
      [t("transaction.authorization"), of.authorization_id && html`<${Link} to=${["transactions", of.authorization_id]}><${Id}>${of.authorization_id}<//><//>`],
      [t("transaction.reversal_of"), of.reversal_of && html`<${Link} to=${["transactions", of.reversal_of]}><${Id}>${of.reversal_of}<//><//>`],
      [t("transaction.recorded_at"), html`<${Time} at=${of.recorded_at} />`],
      ...Object.entries(of.metadata ?? {}).map(([name, value]) => [name, value]),
    ]} />
  <//>`;

const Notifications = ({ of, account }) => html`
  <${Panel} id="notifications" title=${t("notifications")}>
    ${of.length === 0 && html`<${Empty} icon="mail" title=${t("notifications.none")} />`}
    ${of.map((one) => html`
      <div class="holder" key=${one.holder}>
        <h3><${Link} to=${["accounts", account, "holders", one.holder]}>${one.holder}<//> <${Badge} kind="notification" name=${one.state} /></h3>
        <${Timeline} label=${one.holder} of=${(one.history).map((event) => ({
          what: named("notification", event.state), at: event.at, note: why(event.reason, event.state), tone: TONES[event.state] }))} />
      </div>`)}
  <//>`;

const Webhooks = ({ of }) => html`
  <${Panel} id="webhooks" title=${t("nav.webhooks")}>
    ${of.length === 0 ? html`<${Empty} icon="webhooks" title=${t("webhooks.none_of_it")} />` : html`
    <${Table} label=${t("nav.webhooks")} rows=${of} keyOf=${(one) => `${one.id}${one.at}`} columns=${[
      { label: t("webhooks.type"), class: "main", cell: (one) => one.type },
      of.some((one) => one.holder) && { label: t("webhooks.holder"), cell: (one) => one.holder },
      { label: t("webhooks.state"), cell: (one) => html`<${Badge} kind="attempt" name=${one.state} /> <span class="quiet">${named("outcome", one.answer)}</span>` },
      { label: t("webhooks.at"), cell: (one) => html`<${Time} at=${one.at} />` },
    ].filter(Boolean)} />`}
  <//>`;
