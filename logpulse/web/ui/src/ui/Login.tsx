import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { usePage } from "../page";

/** Asks for the key. It goes to the server once, for a cookie that scripts cannot read, and is kept nowhere. */
export function Login() {
  const page = usePage();
  const field = useRef<HTMLInputElement>(null);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  useLayoutEffect(() => field.current?.focus(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    const key = field.current?.value ?? "";
    if (!key) return;
    setBusy(true);
    setError(await page.signIn(key));
    setBusy(false);
    field.current?.select();
  };
  return (
    <div class="login">
      <form class="login-card" onSubmit={(event) => void submit(event)} aria-labelledby="login-title">
        <h1 id="login-title">This LogPulse needs a key</h1>
        <p class="quiet">It is the one that agents send with their lines: the setting auth.api_key.</p>
        <label>
          Key
          <input
            ref={field}
            class="input"
            type="password"
            autocomplete="current-password"
            aria-invalid={error !== ""}
            aria-describedby="login-error"
          />
        </label>
        <p id="login-error" class="login-error" role="alert">
          {error}
        </p>
        <button type="submit" class="button is-primary" disabled={busy}>
          Open
        </button>
      </form>
    </div>
  );
}
