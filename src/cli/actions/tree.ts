import { utf8 } from '../../core/encoding/bytes.ts';
import type { ImageReference } from '../../core/image/reference.ts';
import type { TrustedRoot } from '../../core/trust/trusted-root.ts';
import { SealwrightError, UsageError } from '../../errors.ts';
import { HttpClient } from '../../io/net/http-client.ts';
import type { SignaturePolicy } from '../../workflows/verify/signature-policy.ts';
import { imageTree } from '../../workflows/carry/image-tree.ts';
import { passedOver } from '../choices/image-material.ts';
import { imageReference, registryClient, signatureRepository } from '../choices/registry-choice.ts';
import { signerPolicy } from '../choices/signer-policy.ts';
import { trustFor } from '../choices/trust-choice.ts';
import type { CommandContext } from '../grammar/command.ts';
import { SIGNER_FLAGS } from '../flags/identity-flags.ts';
import { attachmentTagPrefix } from '../flags/registry-flags.ts';
import { treeHeader, treeLines, treeRecord } from '../report/tree-report.ts';

export async function treeCommand(context: CommandContext): Promise<void> {
  const { flags, terminal, environment, now, compat } = context;
  const reference = imageReference(flags.arguments[0] ?? '');
  const repository = signatureRepository(context);
  const source = registryClient(context, 'pull');
  const policy = await demandedSigner(context);
  const isJson = flags.string('output') === 'json';
  // cosign has said so before it asks whether the image is there.
  if (compat && !isJson) terminal.result(treeHeader({ image: reference.toString() }));
  const tree = await imageTree({
    source,
    reference,
    ...(compat ? { isShallow: true, passesOver: passedOver(context) } : {}),
    trustedRoot: compat ? undefined : await trustedRootIfAny(context, new HttpClient({ proxyEnv: environment })),
    now: now(),
    ...(policy === undefined ? {} : { policy }),
    tagPrefix: attachmentTagPrefix(context),
    ...(repository === undefined ? {} : { signatureRepository: repository }),
  });
  if (isJson) {
    terminal.result(JSON.stringify(treeRecord(tree, reference)));
    return;
  }
  const names = contextOf(context, reference, repository);
  if (!compat) terminal.result(treeHeader(names));
  const lines = treeLines(tree, names, compat);
  // The last line of cosign's advice has no end.
  const isAdvice = compat && !lines.some((line) => line.startsWith('└'));
  if (isAdvice) terminal.resultBytes(utf8(lines.join('\n')));
  else for (const line of lines) terminal.result(line);
}

/** A tree shows who signed; with signers named, what is not by them does not hold. */
async function demandedSigner(context: CommandContext): Promise<SignaturePolicy | undefined> {
  const { flags, compat } = context;
  const given = SIGNER_FLAGS.map(({ name }) => name).filter((name) => flags.isGiven(name));
  if (given.length === 0) return undefined;
  if (compat || given.includes('require')) {
    throw new UsageError('USAGE_BAD_FLAG', `--${compat ? (given[0] ?? '') : 'require'} means nothing for a tree`, {
      expected: compat ? "no signer: cosign's tree judges nothing" : 'a tree tells of each signature by itself',
      fix: 'sealwright verify',
    });
  }
  return signerPolicy(context);
}

function contextOf(
  context: CommandContext,
  reference: ImageReference,
  repository: { registry: string; repository: string } | undefined,
) {
  const attachments = repository === undefined ? reference.context : `${repository.registry}/${repository.repository}`;
  return { image: reference.toString(), attachments, tagPrefix: attachmentTagPrefix(context) };
}

/** To see what is there, nobody has to be trusted: without trust, signers stay unnamed, and the tree says so. */
async function trustedRootIfAny(context: CommandContext, http: HttpClient): Promise<TrustedRoot | undefined> {
  try {
    return (await trustFor(context, http)).trustedRoot;
  } catch (error) {
    if (!(error instanceof SealwrightError)) throw error;
    context.terminal.warn(`signatures are listed, but not verified: ${error.code} ${error.message}`);
    return undefined;
  }
}
