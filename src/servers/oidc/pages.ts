import { sha256 } from '../../core/crypto/digest.ts';
import { utf8 } from '../../core/encoding/bytes.ts';

/** Text that has been made safe to stand in HTML, in element content and in quoted attributes alike. */
class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Everything put in is escaped, except what this function has made itself. */
function html(strings: TemplateStringsArray, ...values: readonly (string | Html)[]): Html {
  const escaped = values.map((value) =>
    value instanceof Html ? value.text : value.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? ''),
  );
  return new Html(strings.map((part, index) => part + (escaped[index] ?? '')).join(''));
}

const STYLE = `
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 2rem auto; padding: 0 1rem; color: #111; background: #fff; }
.warning { border: 2px solid #8a4b00; background: #fff4e0; padding: .5rem 1rem; }
.error { border: 2px solid #a00; background: #fff0f0; padding: .5rem 1rem; }
label { display: block; margin-top: 1rem; font-weight: 600; }
input { box-sizing: border-box; width: 100%; font: inherit; padding: .4rem; border: 1px solid #555; }
button { font: inherit; margin: 1rem .5rem 0 0; padding: .4rem 1rem; }
code { font-size: 1.1rem; overflow-wrap: anywhere; }
`;
const STYLE_HASH = Buffer.from(sha256(utf8(STYLE))).toString('base64');

export interface PageOptions {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the form's answer may send the browser on to: browsers hold `form-action` against redirects as well. */
  readonly formTarget?: string;
}

/** Shown again with what was typed, except for the secret. */
export interface Typed {
  readonly email?: string;
  readonly userCode?: string;
  /** Why the last try was refused. */
  readonly error?: string;
}

/** No script, no image, no frame; the form goes back to where the page came from. */
export function loginPage(typed: Typed, options: PageOptions = {}): Response {
  return page(
    'Log in to the development issuer',
    html`${alert(typed.error)}
      <form method="post">
        ${emailField(typed)} ${SECRET_FIELD}
        <button type="submit">Log in</button>
      </form>`,
    options,
  );
}

export function devicePage(typed: Typed, options: PageOptions = {}): Response {
  return page(
    'Let a program log in',
    html`${alert(typed.error)}
      <p>Go on only if you have just started a program on this machine that shows this very code.</p>
      <form method="post">
        <label for="user_code">Code that the program shows</label>
        <input
          id="user_code"
          name="user_code"
          required
          maxlength="16"
          autocomplete="off"
          autocapitalize="characters"
          spellcheck="false"
          value="${typed.userCode ?? ''}"
        />
        ${emailField(typed)} ${SECRET_FIELD}
        <button type="submit" name="decision" value="approve">Let it log in</button>
        <button type="submit" name="decision" value="deny" formnovalidate>Refuse</button>
      </form>`,
    options,
  );
}

/** The code, for a browser that cannot reach the program. */
export function codePage(code: string): Response {
  return page(
    'Copy this code',
    html`<p>Paste it where the program asks for the verification code. It works once, within five minutes.</p>
      <p><code>${code}</code></p>`,
  );
}

export function donePage(text: string): Response {
  return page(
    'Done',
    html`<p role="status">${text}</p>
      <p>You can close this page.</p>`,
  );
}

export function refusedPage(text: string, options: PageOptions): Response {
  return page('This request is refused', alert(text), options);
}

function emailField(typed: Typed): Html {
  return html`<label for="email">E-mail address to be</label>
    <input
      id="email"
      name="email"
      type="email"
      required
      maxlength="254"
      autocomplete="email"
      value="${typed.email ?? ''}"
    />`;
}

const SECRET_FIELD = html`<label for="secret">Developer secret</label>
  <input id="secret" name="secret" type="password" required autocomplete="off" aria-describedby="secret-hint" />
  <p id="secret-hint">The text of the file <code>developer-secret</code> in the folder of the stack.</p>`;

function alert(error: string | undefined): Html {
  return error === undefined ? html`` : html`<p class="error" role="alert">${error}</p>`;
}

function page(title: string, content: Html, options: PageOptions = {}): Response {
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${new Html(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          <p class="warning">
            <strong>For development only.</strong> This issuer vouches for any address that the holder of its secret
            types in. Trust it nowhere but in the stack beside it.
          </p>
          ${content}
        </main>
      </body>
    </html>`;
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': contentSecurityPolicy(options.formTarget),
    'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    // Not no-referrer: with that, browsers send `Origin: null` with our own form, which is refused.
    'referrer-policy': 'same-origin',
    ...options.headers,
  };
  return new Response(`${document.text}\n`, { status: options.status ?? 200, headers });
}

function contentSecurityPolicy(formTarget: string | undefined): string {
  const target = formTarget === undefined ? '' : ` ${formTarget}`;
  return (
    `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'${target}; ` +
    `frame-ancestors 'none'; base-uri 'none'`
  );
}
