// Which view an address names: `#/cases/<id>?state=open`.

import { AccountView, HolderView } from "./view_accounts.js";
import { AuditView } from "./view_audit.js";
import { CaseView } from "./view_case.js";
import { CasesView } from "./view_cases.js";
import { FlagsView } from "./view_flags.js";
import { QuotaView } from "./view_quota.js";
import { SearchView } from "./view_search.js";
import { TodayView } from "./view_today.js";
import { TransactionView } from "./view_transaction.js";
import { WebhooksView } from "./view_webhooks.js";

// A part that begins with a colon is given to the view under its name.
const ROUTES = [
  ["today", "today", TodayView],
  ["search", "search", SearchView],
  ["transactions/:id", "search", TransactionView],
  ["cases", "cases", CasesView],
  ["cases/:id", "cases", CaseView],
  ["accounts/:account", "search", AccountView],
  ["accounts/:account/holders/:holder", "search", HolderView],
  ["flags", "flags", FlagsView],
  ["webhooks", "webhooks", WebhooksView],
  ["audit", "audit", AuditView],
  ["quota", "quota", QuotaView],
].map(([pattern, section, view]) => ({ parts: pattern.split("/"), section, view }));

const read = (part) => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

export function matched(hash) {
  const [path, query] = hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(read);
  const route = ROUTES.find(
    (one) => one.parts.length === parts.length && one.parts.every((part, i) => part.startsWith(":") || part === parts[i]),
  ) ?? ROUTES[0];
  const given = Object.fromEntries(route.parts.map((part, i) => [part.slice(1), parts[i]]).filter((_, i) => route.parts[i].startsWith(":")));
  return { ...route, given, query: Object.fromEntries(new URLSearchParams(query)) };
}
