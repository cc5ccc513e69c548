/** What a registry asks for in `WWW-Authenticate` (RFC 9110 §11.6.1, distribution token specification). */
export type AuthChallenge =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service?: string; readonly scope?: string };

const MAX_LENGTH = 4096;
/** One parameter, with what separates it from the next. */
const PARAMETER = /^\s*([A-Za-z][\w-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)/;
const SCHEME = /^\s*,?\s*([A-Za-z][\w-]*)(?:\s+|$)/;

/**
 * The first challenge we can answer; Bearer is preferred to Basic, because then a password goes to the token service
 * only. Undefined when there is none.
 */
export function parseAuthChallenge(header: string | undefined): AuthChallenge | undefined {
  const challenges = readChallenges((header ?? '').slice(0, MAX_LENGTH));
  const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'));
  const realm = bearer?.parameters.get('realm');
  if (bearer !== undefined && realm !== undefined && URL.canParse(realm)) {
    const service = bearer.parameters.get('service');
    const scope = bearer.parameters.get('scope');
    return {
      scheme: 'bearer',
      realm,
      ...(service === undefined ? {} : { service }),
      ...(scope === undefined ? {} : { scope }),
    };
  }
  return challenges.some(({ scheme }) => scheme === 'basic') ? { scheme: 'basic' } : undefined;
}

interface RawChallenge {
  readonly scheme: string;
  readonly parameters: Map<string, string>;
}

function readChallenges(header: string): RawChallenge[] {
  const challenges: RawChallenge[] = [];
  let rest = header;
  while (rest !== '') {
    const parameter = PARAMETER.exec(rest);
    const last = challenges.at(-1);
    if (parameter !== null && last !== undefined) {
      const value = parameter[2]?.replace(/\\(.)/g, '$1') ?? parameter[3] ?? '';
      const name = (parameter[1] ?? '').toLowerCase();
      if (!last.parameters.has(name)) last.parameters.set(name, value);
      rest = rest.slice(parameter[0].length);
      continue;
    }
    const scheme = SCHEME.exec(rest);
    if (scheme === null) return challenges;
    challenges.push({ scheme: (scheme[1] ?? '').toLowerCase(), parameters: new Map() });
    rest = rest.slice(scheme[0].length);
  }
  return challenges;
}
