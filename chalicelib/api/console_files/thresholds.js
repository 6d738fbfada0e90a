// The form that changes the rules' thresholds. What a change would have done is shown beside it before it is saved.

import { html, useRef, useState } from "./vendor-preact.js";
import { AmountInput, readAmount, written, writtenAmount } from "./amounts.js";
import { ask as request, post } from "./api.js";
import { moment, number } from "./format.js";
import { named, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { useChange } from "./live.js";
import { useMay } from "./member.js";
import { Button, CheckedInput, Choice, Empty, Field, Notice, Table, Waiting } from "./parts.js";
import { FLAGS } from "./rows.js";

const MODES = ["on", "shadow", "off"];
const NUMBERS = { velocity: ["count", "minutes"], unusual_amount: ["times", "deviations", "min_count"], duplicate_suspect: ["minutes"], new_country: ["min_count"] };
const IS_DECIMAL = new Set(["times", "deviations"]);
const TRIAL_DAYS = 14;

// Decimals stay text; counts are numbers.
const typed = (name, text) => (IS_DECIMAL.has(name) || !/^[0-9]+$/.test(text) ? text.replace(",", ".") : Number(text));
const plain = (text) => (text?.includes(".") ? text.replace(/\.?0+$/, "") : text);

// What differs, as a merge patch of the settings; null if nothing does.
export function patchOf(before, after) {
  const rules = {};
  for (const name of FLAGS) {
    const rule = {};
    if (after[name].mode !== before[name].mode) rule.mode = after[name].mode;
    for (const field of NUMBERS[name] ?? []) {
      const value = typed(field, String(after[name][field]));
      if (String(value) !== String(before[name][field])) rule[field] = value;
    }
    if (name === "large_amount") {
      const [old, chosen] = [before[name].thresholds, Object.fromEntries(
        after[name].rows.filter(([code, least]) => code && least).map(([code, least]) => [code, readAmount(least, code).amount ?? least]))];
      const changed = Object.fromEntries(Object.keys({ ...old, ...chosen }).filter((code) => plain(old[code]) !== plain(chosen[code])).map((code) => [code, chosen[code] ?? null]));
      if (Object.keys(changed).length) rule.thresholds = changed;
    }
    if (Object.keys(rule).length) rules[name] = rule;
  }
  return Object.keys(rules).length ? { flags: rules } : null;
}

// The settings as they are typed in the reader's language.
function formOf(flags) {
  const rows = Object.entries(flags.large_amount.thresholds).map(([code, least]) => [code, writtenAmount(least, code)]);
  const decimals = Object.fromEntries([...IS_DECIMAL].map((name) => [name, written(flags.unusual_amount[name])]));
  return { ...flags, large_amount: { ...flags.large_amount, rows }, unusual_amount: { ...flags.unusual_amount, ...decimals } };
}

export const Thresholds = ({ flags, etag, onDone, refresh }) => {
  const [form, setForm] = useState(formOf(flags));
  const [tried, setTried] = useState(null);
  const place = useRef();
  const isAdmin = useMay("admin");
  const patch = patchOf(flags, form);
  const set = (rule, field, value) => setForm({ ...form, [rule]: { ...form[rule], [field]: value } });
  // The form may be changed while a trial runs: a result counts for its own change alone.
  const isTried = JSON.stringify(tried?.patch) === JSON.stringify(patch);
  const result = patch && isTried ? tried.result : null;
  const trial = useChange(async () => setTried({ patch, result: (await post("flags/trial", { settings: patch, days: TRIAL_DAYS })).data }));
  const saveValid = () => place.current.reportValidity() && save.run();
  const save = useChange(async () => {
    await request("PATCH", "settings", { body: patch, ifMatch: etag });
    onDone();
    refresh();
  });
  const number = (rule, field) => html`
    <${Field} id=${`${rule}-${field}`} label=${t(`field.${field}`)}>
      <input id=${`${rule}-${field}`} inputmode=${IS_DECIMAL.has(field) ? "decimal" : "numeric"} required value=${form[rule][field]}
        pattern=${IS_DECIMAL.has(field) ? "[0-9]+([.,][0-9]+)?" : "[0-9]+"} onInput=${(event) => set(rule, field, event.target.value.trim())} />
    <//>`;
  return html`
    <form class="beside-each-other" ref=${place} onSubmit=${(event) => { event.preventDefault(); trial.run(); }}>
      <div>
        ${FLAGS.map((rule) => html`
          <fieldset key=${rule}><legend>${named("flag", rule)}</legend>
            <div class="fields">
              <${Choice} id=${`${rule}-mode`} label=${t("flags.mode")} value=${form[rule].mode} options=${MODES.map((one) => [one, named("mode", one)])} onChange=${(value) => set(rule, "mode", value)} />
              ${rule === "large_amount" ? html`<${Amounts} rows=${form[rule].rows} onChange=${(rows) => set(rule, "rows", rows)} />` : NUMBERS[rule].map((field) => number(rule, field))}
            </div>
          </fieldset>`)}
      </div>
      <div class="trial" aria-live="polite">
        <h3>${t("trial")}</h3>
        ${!patch && html`<${Empty} icon="flags" title=${t("trial.nothing")} />`}
        ${patch && !result && !trial.isRunning && html`<p>${t("trial.hint", { count: TRIAL_DAYS })}</p>`}
        ${trial.isRunning && html`<${Waiting} />`}
        ${result && html`<${Trial} of=${result} />`}
        <${Notice} problem=${trial.problem} />
        <${Notice} problem=${save.problem} retry=${save.problem?.status === 412 ? refresh : undefined} />
        <div class="actions">
          <button type="submit" class=${`button ${result ? "" : "primary"}`} disabled=${!patch || trial.isRunning}><span>${t("trial.run")}</span></button>
          ${isAdmin && html`<${Button} kind=${result ? "primary" : ""} disabled=${!patch || !result || save.isRunning} onClick=${saveValid}>${t("trial.save")}<//>`}
          <${Button} kind="quiet" onClick=${onDone}>${t("cancel")}<//>
        </div>
        ${isAdmin && patch && !result && html`<p class="quiet">${t("trial.first")}</p>`}
      </div>
    </form>`;
};

const Amounts = ({ rows, onChange }) => {
  const set = (at, place) => (event) => onChange(rows.map((row, i) => (i === at ? row.map((value, j) => (j === place ? event.target.value.trim().toUpperCase() : value)) : row)));
  return html`
    <div class="amounts">${rows.map(([code, least], i) => {
      // A currency has one threshold: of two rows, only one could be saved.
      const mistake = code && rows.slice(0, i).some(([other]) => other === code) ? t("field.currency_twice", { what: code }) : undefined;
      return html`
      <div key=${i}><div class="fields">
        <${Field} id=${`currency-${i}`} label=${t("transaction.currency")}><${CheckedInput} id=${`currency-${i}`} mistake=${mistake} aria-describedby=${mistake && `currency-${i}-mistake`}
          maxlength="3" pattern="[A-Z]{3}" required=${Boolean(least)} value=${code} onInput=${set(i, 0)} /><//>
        <${Field} id=${`least-${i}`} label=${t("field.threshold")}><${AmountInput} id=${`least-${i}`} currency=${code} required=${Boolean(code)} value=${least} onInput=${set(i, 1)} /><//>
        <button type="button" class="button quiet" aria-label=${t("field.remove", { what: code })} onClick=${() => onChange(rows.filter((_, j) => j !== i))}><${Icon} name="close" /></button>
      </div>${mistake && html`<p class="mistake" role="alert" id=${`currency-${i}-mistake`}>${mistake}</p>`}</div>`;
    })}
      <p><${Button} icon="plus" kind="quiet" onClick=${() => onChange([...rows, ["", ""]])}>${t("field.add_currency")}<//></p>
    </div>`;
};

const KINDS = ["flagged", "fraud", "legitimate", "unclear", "unlabelled"];

// What each rule flags now, and what it would have flagged.
const Trial = ({ of }) => {
  const rows = FLAGS.filter((rule) => of.rules[rule]);
  const cell = (rule, kind) => {
    const [now, then] = [of.rules[rule].now[kind], of.rules[rule].then[kind]];
    const tone = now === then || !["fraud", "legitimate"].includes(kind) ? "" : (then > now) === (kind === "fraud") ? "better" : "worse";
    return html`<span class=${`change ${tone}`}>${number(now)}${now !== then && html`<span aria-hidden="true"> → </span><span class="visually-hidden">${t("trial.then")}</span><strong>${number(then)}</strong>`}</span>`;
  };
  return html`
    <p>${t("trial.of", { count: of.transactions, number: number(of.transactions), from: moment(of.from), to: moment(of.to) })}${!of.is_complete && ` ${t("trial.part")}`}</p>
    <${Table} label=${t("trial")} rows=${rows} keyOf=${(rule) => rule} columns=${[
      { label: t("flags.rule"), class: "main", cell: (rule) => named("flag", rule) },
      ...KINDS.map((kind) => ({ label: t(`trial.${kind}`), class: "number", cell: (rule) => cell(rule, kind) })),
    ]} />`;
};
