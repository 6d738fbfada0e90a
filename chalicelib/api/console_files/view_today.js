// Today: what needs a person on top, then how the last hour, day or month went. Stays current while it is shown.

import { html } from "./vendor-preact.js";
import { path } from "./api.js";
import { ask } from "./address.js";
import { Chart } from "./chart.js";
import { amount, clock, day, hour, number, percent, seconds } from "./format.js";
import { isTold, named, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { useLive } from "./live.js";
import { Answer, Empty, Link, Meter, Money, Panel, Segments, Table, Tile } from "./parts.js";
import { FLAGS } from "./rows.js";

const PERIODS = ["hour", "day", "month"];
const PLACES = {
  cases_not_recognized: "cases", webhooks_gone: "webhooks", webhooks_unproved: "webhooks", webhooks_failed: "webhooks", quota: "quota", emails_failed: "search",
};
const FAILED = ["bounced", "complained", "rejected", "failed"];

const sum = (numbers) => numbers.reduce((total, one) => total + (one ?? 0), 0);
const failed = (emails) => sum(FAILED.map((state) => emails?.[state]));
const counted = (count) => ({ count, number: number(count) });
const share = (part, whole) => (whole ? percent(part / whole) : null);

export const TodayView = ({ query }) => {
  const period = PERIODS.includes(query.period) ? query.period : "day";
  const live = useLive(path(["today"], { period }));
  return html`
    <div class="head">
      <div><h1 tabindex="-1">${t("nav.today")}</h1>
        ${live.data && html`<p class="quiet live"><i></i>${t("today.as_of", { time: clock(live.data.as_of) })}</p>`}</div>
      <${Segments} label=${t("today.period")} value=${period} onChange=${(chosen) => ask("today", { period: chosen })}
        options=${PERIODS.map((one) => [one, t(`period.${one}`)])} />
    </div>
    <${Answer} of=${live}>${(today) => html`
      <${Attention} of=${today.attention} />
      <${Tiles} of=${today} />
      <${Charts} of=${today} />
      <${Totals} of=${today} />
    `}<//>`;
};

const Attention = ({ of }) =>
  of.length === 0
    ? html`<${Panel} class="calm" id="attention"><${Empty} title=${t("attention.none")} /><//>`
    : html`<${Panel} class="attention" id="attention" title=${t("attention")}><ul>${of.map((one) => html`
        <li key=${one.kind + (one.what ?? "")}><a href=${`#/${PLACES[one.kind] ?? "today"}`}>
          <${Icon} name="alert" /><strong>${one.kind === "quota" ? percent(one.count / 100) : number(one.count)}</strong>
          <span>${isTold(`attention.${one.kind}`) ? t(`attention.${one.kind}`, { count: one.count, what: named("quota", one.what) }) : one.text}</span><${Icon} name="next" /></a></li>`)}
      </ul><//>`;

const Tiles = ({ of }) => {
  const { emails, latency, alerts, webhooks, cases, quota } = of;
  const answers = alerts.recognized + alerts.not_recognized;
  return html`
    <div class="tiles">
      <${Tile} icon="card" label=${t("today.transactions")} value=${number(sum(of.hours.map((one) => one.transactions)))}
        note=${t("today.flagged", counted(sum(of.hours.map((one) => one.flagged))))} />
      <${Tile} icon="mail" label=${t("today.emails")} value=${number(emails.sent)}
        note=${share(emails.delivered, emails.sent) ? t("today.delivered", { share: share(emails.delivered, emails.sent) }) : t("today.none_yet")} />
      <${Tile} icon="alert" label=${t("today.failed")} value=${number(failed(emails))} tone=${failed(emails) ? "warn" : ""}
        note=${t("today.kept_back", counted((emails.suppressed ?? 0) + (emails.skipped ?? 0)))} />
      <${Tile} icon="clock" label=${t("today.latency")} value=${latency ? seconds(latency.p50_s) : "–"}
        note=${latency ? t("today.p95", { seconds: seconds(latency.p95_s) }) : t("today.none_yet")} />
      <${Tile} icon="person" label=${t("today.alerts")} value=${number(alerts.sent)} tone=${alerts.not_recognized ? "bad" : ""}
        note=${answers ? t("today.answers", { yes: number(alerts.recognized), no: number(alerts.not_recognized) }) : t("today.no_answers")} />
      ${cases && html`<${Tile} icon="cases" label=${t("today.cases")} to=${["cases"]} value=${number(cases.open)}
        note=${t("today.claimed", { count: number(cases.claimed) })} />`}
      <${Tile} icon="webhooks" label=${t("today.webhooks")} to=${["webhooks"]} value=${number(webhooks.delivered)} tone=${webhooks.failed ? "warn" : ""}
        note=${t("today.webhooks_failed", { count: number(webhooks.failed) })} />
      <div class="tile"><h3><${Icon} name="quota" /><${Link} to=${["quota"]}>${t("today.quota")}<//></h3>
        ${quota.length ? quota.map((one) => html`<${Meter} label=${named("quota", one.what)} used=${one.used} limit=${one.limit} />`) : html`<p class="note">${t("quota.none")}</p>`}</div>
    </div>`;
};

const Charts = ({ of }) => {
  const isByDay = of.step === "day";
  const { hours } = of;
  const byDay = [...Map.groupBy(of.days ?? [], (one) => one.date)].map(([date, rows]) => ({ date, count: sum(rows.map((row) => row.count)) }));
  const labels = hours.map((one) => (isByDay ? day(one.hour) : hour(one.hour)));
  const flags = FLAGS.map((name) => ({ name, count: of.flags[name] ?? 0 }));
  const most = Math.max(1, ...flags.map((one) => one.count));
  return html`
    ${hours.length > 0 && html`<${Panel} id="emails" title=${t("chart.emails")}>
      <${Chart} label=${t("chart.emails")} firstColumn=${isByDay ? t("chart.day") : t("chart.hour")} labels=${labels} series=${[
        { label: t("notification.delivered"), color: "good", values: hours.map((one) => one.emails?.delivered ?? 0) },
        { label: t("chart.under_way"), color: "accent", values: hours.map((one) => Math.max(0, (one.emails?.sent ?? 0) - (one.emails?.delivered ?? 0) - failed(one.emails))) },
        { label: t("chart.failed"), color: "bad", values: hours.map((one) => failed(one.emails)) },
      ]} />
    <//>`}
    <div class="columns">
      ${byDay.length > 1 && html`<${Panel} id="days" title=${t("chart.days")}>
        <${Chart} label=${t("chart.days")} firstColumn=${t("chart.day")} labels=${byDay.map((one) => day(one.date))}
          series=${[{ label: t("today.transactions"), color: "accent", values: byDay.map((one) => one.count) }]} />
      <//>`}
      <${Panel} id="flags" title=${t("chart.flags")} actions=${html`<${Days} of=${of} />`}>
        <${Table} small label=${t("chart.flags")} rows=${flags} keyOf=${(one) => one.name} columns=${[
          { label: t("flags.rule"), class: "main", cell: (one) => html`<${Link} to=${["flags"]}>${named("flag", one.name)}<//>` },
          { label: t("flags.hits"), class: "bar number", cell: (one) => html`<span class="share"><meter min="0" max=${most} value=${one.count} aria-hidden="true"></meter>${number(one.count)}</span>` },
        ]} />
      <//>
      <${Panel} id="states" title=${t("chart.states")}>
        <${Table} small label=${t("chart.states")} rows=${Object.entries(of.emails)} keyOf=${([state]) => state} columns=${[
          { label: t("chart.state"), class: "main", cell: ([state]) => named("notification", state) },
          { label: t("chart.emails_count"), class: "number", cell: ([, count]) => number(count) },
        ]} />
      <//>
    </div>`;
};

// What is counted by UTC days covers other times than what is counted by hours.
const Days = ({ of }) =>
  html`<span class="quiet">${t(of.totals_from === of.totals_to ? "totals.day" : "totals.days", { from: day(of.totals_from), to: day(of.totals_to) })}</span>`;

const Totals = ({ of }) => html`
  <${Panel} id="totals" title=${t("totals")} actions=${html`<${Days} of=${of} />`}>
    ${of.totals.length === 0 ? html`<${Empty} title=${t("totals.none")} />` : html`
    <${Table} label=${t("totals")} rows=${of.totals} keyOf=${(one) => one.currency} columns=${[
      { label: t("totals.currency"), class: "main", cell: (one) => one.currency },
      { label: t("totals.count"), class: "number", cell: (one) => number(one.count) },
      { label: t("totals.credit"), class: "number", cell: (one) => html`<${Money} value=${one.credit.amount} currency=${one.currency} />` },
      { label: t("totals.debit"), class: "number", cell: (one) => html`<${Money} value=${one.debit.amount} currency=${one.currency} />` },
      { label: t("totals.net"), class: "number", cell: (one) => amount(one.net, one.currency) },
      { label: t("totals.average"), class: "number", cell: (one) => amount(one.average, one.currency) },
      { label: t("totals.largest"), class: "number", cell: (one) => one.max_transaction && html`<${Link} to=${["transactions", one.max_transaction.id]}>${amount(one.max_transaction.amount, one.currency)}<//>` },
    ]} />`}
  <//>`;
