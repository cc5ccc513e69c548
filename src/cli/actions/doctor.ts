import { HttpClient, type HttpClientOptions } from '../../io/net/http-client.ts';
import { obtainIdentityToken } from '../../io/oidc/identity-token.ts';
import { isOffered, TOKEN_PROVIDERS, type TokenProvider } from '../../io/oidc/offered-tokens.ts';
import { DEFAULT_AUDIENCE } from '../../io/oidc/token-source.ts';
import { cacheFolder, TrustCache } from '../../io/tuf/trust-cache.ts';
import { diagnoseClock, type HeardTime } from '../../workflows/diagnosis/diagnose-clock.ts';
import { diagnoseRegistry } from '../../workflows/diagnosis/diagnose-registry.ts';
import { diagnoseToken } from '../../workflows/diagnosis/diagnose-token.ts';
import { diagnoseTrust } from '../../workflows/diagnosis/diagnose-trust.ts';
import { notChecked, type Check } from '../../workflows/diagnosis/diagnosis.ts';
import { imageReference, registryClients, signatureRepository } from '../choices/registry-choice.ts';
import { tokenProvider } from '../choices/identity-token.ts';
import { trustFor } from '../choices/trust-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { packageVersion } from '../terminal/package-version.ts';
import { diagnosisDocument, diagnosisLines } from '../report/diagnosis-report.ts';

/** Nobody waits long for a doctor: what is not there now would not be there for a command either. */
const TIMEOUT_MS = 10_000;

/** Looks at everything that signing or verifying needs here. @throws what the first command to need it would end with */
export async function examineSurroundings(context: CommandContext): Promise<void> {
  const { flags, terminal, now } = context;
  const [image] = flags.arguments;
  // A word that names no image is a mistake of the command line, and no finding.
  const reference = image === undefined ? undefined : imageReference(image);
  const heard: HeardTime[] = [];
  const observe: HttpClientOptions['observe'] = ({ host, date }) => {
    if (date !== undefined) heard.push({ host, date, heardAt: now() });
  };
  const onTime = (time: HeardTime): void => {
    heard.push(time);
  };
  const checks = [
    ...(await trustAndToken(context, observe, onTime)),
    ...(await ofRegistry(context, reference, observe)),
  ];
  // Last, by everybody who answered.
  checks.push(...diagnoseClock(heard));
  const document = diagnosisDocument(checks, {
    programVersion: packageVersion(),
    checkedAt: now(),
    purpose: flags.string('for') === 'verify' ? 'verify' : 'sign',
    isOffline: flags.boolean('offline'),
    ...(reference === undefined ? {} : { image: reference.toString() }),
  });
  if (flags.string('output') === 'json') terminal.result(JSON.stringify(document));
  else for (const line of diagnosisLines(document)) terminal.result(line);
  const error = checks.find(({ status }) => status === 'would fail')?.error;
  if (error !== undefined) throw error;
}

async function trustAndToken(
  context: CommandContext,
  observe: HttpClientOptions['observe'],
  onTime: (heard: HeardTime) => void,
): Promise<readonly Check[]> {
  const { flags, environment, now } = context;
  const isForVerifying = flags.string('for') === 'verify';
  const http = new HttpClient({
    proxyEnv: environment,
    offline: flags.boolean('offline'),
    timeoutMs: TIMEOUT_MS,
    retry: { retries: 0 },
    ...(observe === undefined ? {} : { observe }),
  });
  try {
    const checks = await diagnoseTrust({
      resolve: () => trustFor(context, http),
      cacheOf: (instance) =>
        /^(https?|file):[^#]*$/.test(instance) ? new TrustCache(cacheFolder(environment)).mirror(instance) : undefined,
      http,
      now: now(),
      isForVerifying,
      ...(flags.boolean('live')
        ? { live: { random: () => crypto.getRandomValues(new Uint8Array(32)), now, onTime } }
        : {}),
    });
    if (isForVerifying) return [...checks, notChecked('token', 'provider', 'nothing is to be signed')];
    const given = flags.string('identity-token');
    const provider = tokenProvider(flags.string('oidc-provider'));
    const asked = given === undefined && flags.boolean('offline') ? await askedProvider(context, provider) : undefined;
    if (asked !== undefined) {
      return [
        ...checks,
        notChecked('token', 'provider', `${asked} is there; to ask it takes a socket, and --offline opens none`),
      ];
    }
    const token = await diagnoseToken({
      obtain: () =>
        obtainIdentityToken({
          http,
          environment,
          audience: DEFAULT_AUDIENCE,
          isTerminal: false,
          ...(given === undefined ? {} : { identityToken: given }),
          ...(provider === undefined ? {} : { provider }),
        }),
      audience: DEFAULT_AUDIENCE,
      now: now(),
    });
    return [...checks, ...token];
  } finally {
    http.close();
  }
}

/** The provider whose turn it would be, if it is one that is asked for a token; files and variables are only read. */
async function askedProvider(
  { environment }: CommandContext,
  only: TokenProvider | undefined,
): Promise<TokenProvider | undefined> {
  for (const provider of TOKEN_PROVIDERS) {
    if ((only !== undefined && only !== provider) || !(await isOffered(provider, environment))) continue;
    return provider === 'envvar' || provider === 'filesystem' ? undefined : provider;
  }
  return undefined;
}

async function ofRegistry(
  context: CommandContext,
  reference: ReturnType<typeof imageReference> | undefined,
  observe: HttpClientOptions['observe'],
): Promise<readonly Check[]> {
  const { flags, now } = context;
  if (reference === undefined) {
    return [notChecked('registry', 'image', 'no image is named: sealwright doctor IMAGE')];
  }
  if (flags.boolean('offline')) {
    return [notChecked('registry', 'image', 'it takes the network, and --offline opens no socket')];
  }
  const { own, open } = registryClients(context, {
    timeoutMs: TIMEOUT_MS,
    ...(observe === undefined ? {} : { observe }),
  });
  const repository = signatureRepository(context);
  return diagnoseRegistry({
    pull: open(own),
    push: open(own, 'push'),
    reference,
    ...(repository === undefined ? {} : { signatureRepository: repository }),
    now: now(),
    isForVerifying: flags.string('for') === 'verify',
  });
}
