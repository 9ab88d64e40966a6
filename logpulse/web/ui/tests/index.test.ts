import { expect, test } from "vitest";
import page from "../index.html?raw";

test("the page has the one slot that the server fills with a nonce for style sheets", () => {
  expect(page.match(/__CSP_NONCE__/g)).toHaveLength(1);
  expect(page).toMatch(/<meta property="csp-nonce" nonce="__CSP_NONCE__" \/>/);
});

test("nothing in the page is of the kind that its Content-Security-Policy forbids", () => {
  const scripts = [...page.matchAll(/<script\b([^>]*)>/g)].map(([, attributes]) => attributes);
  expect(scripts).not.toHaveLength(0);
  expect(scripts.filter((attributes) => !attributes?.includes("src="))).toHaveLength(0);
  expect(page).not.toMatch(/<style|\sstyle=|\son\w+=/);
});
