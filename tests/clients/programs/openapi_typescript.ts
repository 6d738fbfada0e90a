// A bank's client in TypeScript: types by openapi-typescript, requests by openapi-fetch.
import createClient from "openapi-fetch";
import type { paths } from "./client/schema";

const api = createClient<paths>({
  baseUrl: process.env.API_URL!,
  headers: { "x-api-key": process.env.API_KEY! },
});
const purchase = {
  id: "t-1",
  account: "A200",
  amount: "15.00",
  type: "debit",
  timestamp: "2026-06-10T09:30:00Z",
  merchant: { name: "Café des Arts", mcc: "5812", country: "FR" },
} as const;

async function main(): Promise<void> {
  const holder = await api.PUT("/accounts/{account}/holders/{holder}", {
    params: { path: { account: "A200", holder: "awa" } },
    body: { name: "Awa Ndiaye", email: "awa@example.com", timezone: "Africa/Douala", preferences: { statement: "weekly" } },
  });
  console.log(`enrolled: ${holder.data!.id}, ${holder.data!.email}, ${holder.data!.locale}`);

  const recorded = await api.POST("/transactions", { body: purchase });
  console.log(`recorded: ${recorded.data!.id}, ${recorded.data!.amount} ${recorded.data!.currency}, ${recorded.data!.status}`);

  const second = { ...purchase, id: "b-1", amount: 25, timestamp: "2026-06-11T09:30:00Z" };
  const mistaken = { ...purchase, id: "b-2", amount: "5.001" };
  const batch = await api.POST("/transactions/batch", { body: { transactions: [second, mistaken] } });
  for (const result of batch.data!.results) {
    console.log(`batch: ${result.id}, ${result.status}, ${result.errors?.map((error) => error.message) ?? "no errors"}`);
  }

  const queued = await api.POST("/transactions/batch", {
    params: { header: { Prefer: "respond-async" } },
    body: { transactions: [{ ...purchase, id: "q-1" }] },
  });
  console.log(`async batch: ${queued.data!.results[0].id}, ${queued.data!.results[0].status}`);

  const page = await api.GET("/accounts/{account}/transactions", { params: { path: { account: "A200" } } });
  console.log(`listed: ${page.data!.transactions.map((one) => one.id)}`);

  const analytics = await api.GET("/accounts/{account}/analytics", {
    params: { path: { account: "A200" }, query: { from: "2026-06-01", to: "2026-06-30" } },
  });
  for (const total of analytics.data!.totals) {
    console.log(`analytics: ${total.count} in ${total.currency}, net ${total.net}`);
  }

  const feed = await api.GET("/notifications");
  for (const one of feed.data!.notifications) console.log(`feed: ${one.transaction}, ${one.holder}, ${one.state}`);

  const { error, response } = await api.POST("/transactions", { body: { ...purchase, amount: "16.00" } });
  console.log(`refused: ${response.status}, ${error!.code}, ${error!.errors.map((one) => one.field)}`);
}

main();
