import { IN_TOTO_PAYLOAD_TYPE, parseStatement } from '../../core/attestation/statement.ts';
import type { BundleContent, BundleMaterial, UnverifiedBundle } from '../../core/bundle/bundle.ts';
import { protoHashName } from '../../core/bundle/hash-name.ts';
import type { InclusionProof, TransparencyLogEntry } from '../../core/bundle/log-entry.ts';
import { utf8 } from '../../core/encoding/bytes.ts';
import { encodeHex } from '../../core/encoding/hex.ts';
import { parseTimestampResponse } from '../../core/pki/timestamp-response.ts';
import { parseCheckpoint } from '../../core/tlog/checkpoint.ts';
import { FormatError } from '../../errors.ts';
import { certificateTree } from './certificate-inspection.ts';
import { branch, leaf, present, seconds, treeLines, type Tree } from './inspection-tree.ts';

/**
 * What is in a bundle, as cosign's `bundle inspect` shows it. Nothing is verified.
 *
 * @throws FormatError for parts that are read only here: timestamps, SCTs, checkpoints, statements; LimitError
 */
export function bundleInspection(bundle: UnverifiedBundle): readonly string[] {
  const { mediaType, material, tlogEntries, timestamps, content } = bundle;
  return treeLines([
    leaf('Bundle Media Type', mediaType),
    branch('Verification Material', [
      materialTree(material, bundle),
      ...(tlogEntries.length === 0
        ? []
        : [branch('Transparency Log Entries', tlogEntries.map(entryTree), String(tlogEntries.length))]),
      ...(timestamps.length === 0
        ? []
        : [
            branch('Timestamp Verification Data', [
              leaf('RFC3161 Timestamps', String(timestamps.length)),
              ...timestamps.map(timestampTree),
            ]),
          ]),
    ]),
    branch('Content', contentTree(content)),
  ]);
}

function materialTree(material: BundleMaterial, { version }: UnverifiedBundle): Tree {
  if (material.kind === 'publicKey') {
    // cosign takes the hint for base64, which its own are.
    const hint = encodeHex(Buffer.from(material.hint, 'base64'));
    return branch('Content', [leaf('Hint', hint)], 'Public Key Identifier');
  }
  if (version === '0.3') return branch('Content', certificateTree(material.certificate), 'X.509 Certificate');
  const chain = [material.certificate, ...material.intermediates];
  return branch(
    'Content',
    [
      leaf('Certificates', String(chain.length)),
      ...chain.map((certificate, index) => branch(`Certificate [${index}]`, certificateTree(certificate))),
    ],
    'X.509 Certificate Chain',
  );
}

function entryTree(entry: TransparencyLogEntry, index: number): Tree {
  const { inclusionPromise, inclusionProof } = entry;
  const time = new Date(Number(entry.integratedTime) * 1000);
  return branch(`Entry [${index}]`, [
    leaf('Log Index', String(entry.logIndex)),
    leaf('Log ID', encodeHex(entry.logId)),
    leaf('Kind', entry.kind),
    leaf('Version', entry.version),
    leaf('Integrated Time', entry.integratedTime === 0n ? '0 (Not set)' : seconds(time)),
    ...(inclusionPromise === undefined
      ? []
      : [branch('Inclusion Promise', [leaf('Signed Entry Timestamp', present(inclusionPromise))])]),
    ...(inclusionProof === undefined ? [] : [branch('Inclusion Proof', proofTree(inclusionProof))]),
    leaf('Canonicalized Body', present(entry.body)),
  ]);
}

function proofTree({ logIndex, treeSize, hashes, checkpoint }: InclusionProof): readonly Tree[] {
  return [
    leaf('Log Index', String(logIndex)),
    leaf('Tree Size', String(treeSize)),
    leaf('Hashes', String(hashes.length)),
    branch('Checkpoint', checkpointTree(checkpoint)),
  ];
}

/** What is no checkpoint is at least weighed. */
function checkpointTree(text: string): readonly Tree[] {
  try {
    const { origin, size, extensions, note } = parseCheckpoint(text);
    const lines = extensions.map((line, index) => leaf(`[${index}]`, line));
    return [
      leaf('Origin', origin),
      leaf('Tree Size', String(size)),
      ...(lines.length === 0 ? [] : [branch('Other Content', lines, `${lines.length} lines`)]),
      branch(
        'Witnesses',
        note.signatures.map(({ name, signature }) => leaf(name, `Signature ${present(signature)}`)),
        String(note.signatures.length),
      ),
    ];
  } catch (error) {
    if (error instanceof FormatError) return [leaf('Envelope', present(utf8(text)))];
    throw error;
  }
}

function timestampTree(response: Uint8Array, index: number): Tree {
  const { info } = parseTimestampResponse(response);
  return branch(`Timestamp [${index}]`, [
    leaf('Time', seconds(info.genTime)),
    leaf('Hash Algorithm', info.messageImprint.hashAlgorithm.replace('sha', 'SHA-')),
    leaf('Message Imprint', present(info.messageImprint.hashedMessage)),
    leaf('Serial Number', integerText(info.serialNumber)),
    leaf('Policy', info.policy),
  ]);
}

/** DER's integers have a sign, which not every authority minds. */
function integerText(bytes: Uint8Array): string {
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${encodeHex(bytes)}`)).toString();
}

function contentTree(content: BundleContent): readonly Tree[] {
  if (content.kind !== 'dsse') {
    const digest = content.kind === 'message' ? content.digest : undefined;
    return [
      leaf('Type', 'Message Signature'),
      ...(digest === undefined
        ? []
        : [
            branch('Message Digest', [
              leaf('Algorithm', protoHashName(digest.algorithm)),
              leaf('Digest', present(digest.digest)),
            ]),
          ]),
      leaf('Signature', present(content.signature)),
    ];
  }
  const { payloadType, payload, signatures } = content.envelope;
  return [
    leaf('Type', 'DSSE Envelope'),
    leaf('Payload Type', payloadType),
    leaf('Payload', present(payload)),
    ...(payloadType === IN_TOTO_PAYLOAD_TYPE ? [statementTree(payload)] : []),
    branch(
      'Signatures',
      signatures.map(({ signature }, index) => branch(`Signature [${index}]`, [leaf('Signature', present(signature))])),
      String(signatures.length),
    ),
  ];
}

function statementTree(payload: Uint8Array): Tree {
  const { predicateType, subjects } = parseStatement(payload);
  return branch('Payload Content (in-toto)', [
    leaf('Predicate Type', predicateType),
    branch(
      'Subjects',
      subjects.map(({ name = '' }) => leaf('Name', name)),
      String(subjects.length),
    ),
  ]);
}
