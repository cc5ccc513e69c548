import { HttpClient } from '../../io/net/http-client.ts';
import { verifyImage, type VerifiedImage } from '../../workflows/verify-image.ts';
import { reportChecks, signerText } from '../check-report.ts';
import { imageReference, registryClient, signatureRepository } from '../choices/registry-choice.ts';
import { signerPolicy } from '../choices/signer-policy.ts';
import { trustFor } from '../choices/trust-choice.ts';
import type { CommandContext } from '../command.ts';
import { annotations } from '../flags/annotation-flags.ts';
import { formatText, imagePayload } from '../image-payload.ts';
import type { Terminal } from '../terminal.ts';

export async function verifyImages(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, now } = context;
  const references = flags.arguments.map(imageReference);
  const policy = await signerPolicy(context);
  const wanted = annotations(context);
  const http = new HttpClient({ proxyEnv: environment });
  const trust = await trustFor(context, http);
  terminal.progress(`  trust from ${trust.source}`);
  const registry = registryClient(context, 'pull');
  const repository = signatureRepository(context);
  for (const reference of references) {
    const image = await verifyImage({
      registry,
      reference,
      trustedRoot: trust.trustedRoot,
      policy,
      annotations: wanted,
      now: now(),
      ...(repository === undefined ? {} : { signatureRepository: repository }),
    });
    report(terminal, image);
    printResult(terminal, image, flags.string('output'));
  }
}

function report(terminal: Terminal, image: VerifiedImage): void {
  const { reference, digest, isTagResolved, signatures, refused } = image;
  if (isTagResolved) terminal.warn(`tag resolved to ${digest.toString()}; that is what was verified`);
  for (const signature of signatures) {
    const { bundle } = signature;
    terminal.progress(`${reference.context}@${digest.toString()} is signed by ${signerText(bundle)}`);
    terminal.progress(`  ${formatText(signature)}`);
    reportChecks(terminal, bundle);
  }
  for (const { manifestDigest, error } of refused) {
    terminal.progress(`  passed over ${manifestDigest.toString()}: ${error.code} ${error.message}`);
  }
}

/** Scripts written for cosign read JSON from stdout without asking for it; a person at a terminal has seen it all above. */
function printResult(terminal: Terminal, image: VerifiedImage, format: string | undefined): void {
  const payload = imagePayload(image);
  if (format === 'text') for (const element of payload) terminal.result(JSON.stringify(element));
  else if (format === 'json' || !terminal.isResultSeen) terminal.result(JSON.stringify(payload));
}
