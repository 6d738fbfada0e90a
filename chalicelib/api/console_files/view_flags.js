// The rules that flag transactions: what each found, how right it was, and its thresholds, with a trial before a change.

import { html, useState } from "./vendor-preact.js";
import { path } from "./api.js";
import { ask } from "./address.js";
import { amount, number, percent, span } from "./format.js";
import { named, t } from "./i18n.js";
import { useLive } from "./live.js";
import { useMay } from "./member.js";
import { Answer, Badge, Button, Panel, Segments, Table, toHeading } from "./parts.js";
import { FLAGS } from "./rows.js";
import { Thresholds } from "./thresholds.js";

const DAYS = ["7", "30", "90"];

// The first of so many days, of which today is the last.
const since = (days) => new Date(Date.now() - (days - 1) * 86_400_000).toISOString().slice(0, 10);
const today = () => new Date().toISOString().slice(0, 10);

export const FlagsView = ({ query }) => {
  const days = DAYS.includes(query.days) ? query.days : "30";
  const precision = useLive(path(["flags", "precision"], { from: since(days), to: today() }), { isSlow: true });
  const settings = useLive("settings", { isStill: true });
  const [isChanging, change] = useState(false);
  const isAdmin = useMay("admin");
  const isAnalyst = useMay("analyst");
  return html`
    <div class="head">
      <div><h1 tabindex="-1">${t("nav.flags")}</h1><p class="quiet">${t("flags.hint")}</p></div>
      <${Segments} label=${t("today.period")} value=${days} options=${DAYS.map((one) => [one, t("flags.days", { count: Number(one) })])}
        onChange=${(chosen) => ask("flags", { days: chosen })} />
    </div>
    <${Panel} id="precision" title=${t("flags.precision")}>
      <${Answer} of=${precision}>${({ rules }) => html`<${Precision} rules=${rules} modes=${settings.data?.flags} />`}<//>
      <p class="quiet">${t("flags.precision.hint")}</p>
    <//>
    <${Panel} id="thresholds" title=${t("flags.thresholds")} actions=${isAnalyst && settings.data && !isChanging
      && html`<${Button} kind="primary" onClick=${() => change(true)}>${t(isAdmin ? "flags.change" : "flags.try")}<//>`}>
      <${Answer} of=${settings}>${({ flags }) => (isChanging
        ? html`<${Thresholds} key=${settings.etag} flags=${flags} etag=${settings.etag} onDone=${() => { change(false); toHeading(); }} refresh=${settings.refresh} />`
        : html`<${Table} label=${t("flags.thresholds")} rows=${FLAGS} keyOf=${(one) => one} columns=${[
          { label: t("flags.rule"), class: "main", cell: (one) => named("flag", one) },
          { label: t("flags.mode"), cell: (one) => html`<${Badge} kind="mode" name=${flags[one].mode} />` },
          { label: t("flags.says"), class: "wide", cell: (one) => inWords(one, flags[one]) },
        ]} />`)}
      <//>
    <//>`;
};

// A rule's thresholds, in a sentence.
export function inWords(name, rule) {
  const count = rule.count ?? rule.min_count;
  const values = { times: number(rule.times), deviations: number(rule.deviations), count, number: number(count), span: span(rule.minutes ?? 0, "minute") };
  if (name !== "large_amount") return t(`rule.${name}`, values);
  const thresholds = Object.entries(rule.thresholds);
  return thresholds.length === 0 ? t("rule.large_amount.none") : t("rule.large_amount", { thresholds: thresholds.map(([code, least]) => amount(least, code)).join(", ") });
}

const Precision = ({ rules, modes }) => html`
  <${Table} label=${t("flags.precision")} rows=${FLAGS.filter((one) => rules[one])} keyOf=${(one) => one} columns=${[
    { label: t("flags.rule"), class: "main", cell: (one) => html`${named("flag", one)} ${modes && modes[one].mode !== "on" && html`<${Badge} kind="mode" name=${modes[one].mode} />`}` },
    { label: t("flags.hits"), class: "number", cell: (one) => number(rules[one].flagged) },
    { label: t("flags.shadow"), class: "number", cell: (one) => number(rules[one].shadow) },
    { label: t("case.fraud"), class: "number", cell: (one) => number(rules[one].fraud) },
    { label: t("case.legitimate"), class: "number", cell: (one) => number(rules[one].legitimate) },
    { label: t("case.unclear"), class: "number", cell: (one) => number(rules[one].unclear) },
    { label: t("flags.recognized"), class: "number", cell: (one) => number(rules[one].recognized) },
    { label: t("flags.not_recognized"), class: "number", cell: (one) => number(rules[one].not_recognized) },
    { label: t("flags.open"), class: "number", cell: (one) => number(rules[one].open) },
    { label: t("flags.right"), class: "bar", cell: (one) => (rules[one].precision === null ? html`<span class="quiet">${t("flags.not_known")}</span>`
      : html`<span class="share"><meter min="0" max="1" value=${rules[one].precision} aria-hidden="true"></meter>${percent(rules[one].precision)}</span>`) },
  ]} />`;
