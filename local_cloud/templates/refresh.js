// Load the same page anew every 5 s, search and page number included, but never under the reader's hands:
// not while something has the focus or is selected, and not while a search is typed.
setInterval(() => {
  const search = document.getElementById("q");
  const typing = search !== null && search.value !== search.defaultValue;
  const busy = document.activeElement !== document.body || !document.getSelection().isCollapsed;
  if (!typing && !busy && !document.hidden) location.reload();
}, 5000);
