// What the bank's plan allows a day, and how much of it is used.

import { html } from "./vendor-preact.js";
import { moment } from "./format.js";
import { named, t } from "./i18n.js";
import { useLive } from "./live.js";
import { Answer, Empty, Facts, Meter, Panel } from "./parts.js";

export const QuotaView = () => {
  const live = useLive("quota", { isSlow: true });
  return html`
    <div class="head"><h1 tabindex="-1">${t("nav.quota")}</h1></div>
    <${Panel} class="narrow" id="quota" title=${t("quota.today")}>
      <${Answer} of=${live}>${(of) => html`
        <${Facts} of=${[[t("quota.plan"), of.plan], [t("quota.resets_at"), moment(of.resets_at)]]} />
        ${of.quotas.length === 0 && html`<${Empty} icon="quota" title=${t("quota.none")} />`}
        ${of.quotas.map((one) => html`<${Meter} key=${one.what} label=${named("quota", one.what)} used=${one.used} limit=${one.limit} />`)}`}
      <//>
    <//>`;
};
