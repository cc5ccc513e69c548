import type { ImageReference } from '../../core/image/reference.ts';
import type { BundleVerdict, TreeAttachment, TreeImage } from '../../workflows/carry/image-tree.ts';
import { signerText } from './check-report.ts';
import { visibleText } from '../terminal/visible-text.ts';

export interface TreeNames {
  /** The reference as it was understood. */
  readonly image: string;
  /** Repository in which the attachments are. */
  readonly attachments: string;
  /** In front of the older storage's tags. */
  readonly tagPrefix: string;
}

const TITLES: Readonly<Record<string, string>> = {
  sig: '🔐 Signatures',
  att: '💾 Attestations',
  sbom: '📦 SBOMs',
};

/** The first line, which is true whatever is found. */
export function treeHeader({ image }: Pick<TreeNames, 'image'>): string {
  return `📦 Supply Chain Security Related artifacts for an image: ${image}`;
}

/**
 * cosign's text below the header. By default a line below each bundle says who signed and whether it holds, and images that an index names
 * follow with theirs.
 *
 * @param isPlain cosign's lines and no others
 */
export function treeLines(tree: TreeImage, names: TreeNames, isPlain: boolean): readonly string[] {
  const lines = attachmentLines(tree.attached, names, isPlain, '');
  const more = isPlain ? [] : childLines(tree, names);
  if (lines.length + more.length > 0) return [...lines, ...more];
  return [
    `No Supply Chain Security Related Artifacts found for image ${names.image},`,
    isPlain
      ? ' start creating one with simply running$ cosign sign <img>'
      : ` start with: sealwright sign ${names.image}`,
  ];
}

function childLines(tree: TreeImage, names: TreeNames): readonly string[] {
  return tree.children.flatMap((child) => {
    const lines = [...attachmentLines(child.attached, names, false, '   '), ...childLines(child, names)];
    const platform = child.platform === undefined ? '' : `  ${visibleText(child.platform)}`;
    return lines.length === 0 ? [] : [`└── 📦 ${child.digest.toString()}${platform}`, ...lines];
  });
}

function attachmentLines(
  attached: readonly TreeAttachment[],
  names: TreeNames,
  isPlain: boolean,
  indent: string,
): readonly string[] {
  // cosign leaves out what has no type; a default that hides something is none.
  const shown = attached.filter(({ tag, type }) => !isPlain || tag !== undefined || type !== '');
  return shown.flatMap((attachment) => {
    const { layers, verdicts, attached: nested } = attachment;
    return [
      `${indent}└── ${titleOf(attachment, names)}`,
      ...layers.map(
        (layer, index) => `${indent}   ${index === layers.length - 1 ? '└' : '├'}── 🍒 ${layer.toString()}`,
      ),
      ...(isPlain ? [] : verdicts.map((verdict) => `${indent}       ${verdictText(verdict)}`)),
      ...(isPlain ? [] : attachmentLines(nested, names, false, `${indent}   `)),
    ];
  });
}

function titleOf({ kind, tag, type, digest }: TreeAttachment, { attachments, tagPrefix }: TreeNames): string {
  if (tag !== undefined) return `${TITLES[kind] ?? kind} for an image tag: ${attachments}:${tagPrefix}${tag}`;
  const name = type === '' ? 'untyped' : visibleText(type);
  return `🔗 ${name} artifacts via OCI referrer: ${attachments}@${digest.toString()}`;
}

function verdictText(verdict: BundleVerdict): string {
  if (verdict.kind === 'verified') return `holds: signed by ${signerText(verdict.bundle)}`;
  return `does not hold: ${verdict.error.code} ${visibleText(verdict.error.message)}`;
}

/** For programs: the whole tree, and for each bundle what it proves. */
export function treeRecord(tree: TreeImage, reference: ImageReference): object {
  return { reference: reference.toString(), ...imageRecord(tree) };
}

function imageRecord({ digest, mediaType, platform, attached, children }: TreeImage): object {
  return {
    digest: digest.toString(),
    mediaType,
    ...(platform === undefined ? {} : { platform }),
    attached: attached.map(attachmentRecord),
    ...(children.length === 0 ? {} : { manifests: children.map(imageRecord) }),
  };
}

function attachmentRecord({ kind, digest, type, tag, layers, verdicts, attached }: TreeAttachment): object {
  return {
    kind,
    digest: digest.toString(),
    type,
    ...(tag === undefined ? {} : { tag }),
    layers: layers.map((layer) => layer.toString()),
    signatures: verdicts.map(verdictRecord),
    ...(attached.length === 0 ? {} : { attached: attached.map(attachmentRecord) }),
  };
}

function verdictRecord(verdict: BundleVerdict): object {
  if (verdict.kind === 'refused') return { verified: false, error: verdict.error.code };
  const { signer } = verdict.bundle;
  return {
    verified: true,
    signer: signer.kind === 'key' ? { keyId: signer.keyId } : { subject: signer.subject, issuer: signer.issuer },
  };
}
