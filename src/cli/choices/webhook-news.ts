import { SealwrightError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import type { CommandContext } from '../grammar/command.ts';
import { readTextFile } from '../terminal/input-file.ts';

const MEDIA_TYPE = 'application/json';

/**
 * Brings a snapshot to the webhooks that `--notify` names. It is published whatever becomes of this: those that were not reached ask
 * for it themselves.
 *
 * @param text the snapshot, which carries its own proof
 * @returns why one of them was not reached
 * @throws UsageError USAGE_FILE
 */
export async function tellWebhooks(
  { flags, terminal, environment }: CommandContext,
  text: string,
): Promise<SealwrightError | undefined> {
  const urls = flags.list('notify');
  if (urls.length === 0) return undefined;
  const ca = flags.string('notify-ca');
  const http = new HttpClient({ proxyEnv: environment, ...(ca === undefined ? {} : { ca: [readTextFile(ca)] }) });
  let failure: SealwrightError | undefined;
  try {
    await Promise.all(
      urls.map(async (url) => {
        try {
          const headers = { 'content-type': MEDIA_TYPE };
          await http.request({ method: 'POST', url, headers, body: Buffer.from(text), peer: 'the webhook' });
          terminal.progress(terminal.done(`told ${url}`));
        } catch (error) {
          if (!(error instanceof SealwrightError)) throw error;
          terminal.warn(`${url} was not reached: ${error.code} ${error.message}`);
          failure ??= error;
        }
      }),
    );
  } finally {
    http.close();
  }
  return failure;
}
