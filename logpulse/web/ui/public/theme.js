// Before the first paint, so that a chosen theme does not flash the other one. The key is that of src/state.ts.
const theme = localStorage.getItem("logpulse.theme");
if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
