// The code is in the fragment of the link, which no server, log or proxy sees: it becomes a cookie.
const code = location.hash.slice(1);
if (code) {
  history.replaceState(null, "", location.pathname);
  document.getElementById("code").value = code;
  document.getElementById("login").requestSubmit();
}
