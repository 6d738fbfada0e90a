// "Try it": sends an operation to the API that this page belongs to, with the key from the top of the page.
const base = location.pathname.replace(/\/docs\/?$/, "");
// Without this script there is nothing to try.
document.documentElement.classList.add("scripted");

function requestOf(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = {};
  for (const input of form.querySelectorAll("input")) {
    if (input.dataset.in === "path") path = path.replace(`{${input.name}}`, encodeURIComponent(input.value));
    else if (input.value && input.dataset.in === "query") query.set(input.name, input.value);
    else if (input.value && input.dataset.in === "header") headers[input.name] = input.value;
  }
  const key = document.getElementById("key").value;
  if (key) headers["x-api-key"] = key;
  const body = form.querySelector("textarea")?.value;
  if (body !== undefined) headers["content-type"] = "application/json";
  const url = base + path + (query.size ? `?${query}` : "");
  return [url, { method: form.dataset.method, headers, body }];
}

async function answerOf(url, options) {
  const response = await fetch(url, options);
  const text = await response.text();
  const isJson = /[/+]json/.test(response.headers.get("content-type") ?? "");
  return `${response.status}\n${isJson ? JSON.stringify(JSON.parse(text), null, 2) : text}`;
}

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const shown = event.target.querySelector("pre");
  shown.textContent = "Sending…";
  try {
    shown.textContent = await answerOf(...requestOf(event.target));
  } catch (error) {
    shown.textContent = `No answer: ${error.message}`;
  }
});
