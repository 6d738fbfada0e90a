// Reload the page every 5 s, with its search and page number. A reload must not disturb the reader: there is none while
// an element has the focus, while text is selected, or while a search is typed.
setInterval(() => {
  const search = document.getElementById("q");
  const typing = search !== null && search.value !== search.defaultValue;
  const busy = document.activeElement !== document.body || !document.getSelection().isCollapsed;
  if (!typing && !busy && !document.hidden) location.reload();
}, 5000);
