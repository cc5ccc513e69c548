import { stringify } from 'yaml';
import type { JsonObject } from '../../encoding/json.ts';
import { timeText } from '../../revocation/revocation-time.ts';
import { admissionPolicyExport } from './admission-policy-export.ts';
import { clusterImagePolicyExport } from './cluster-image-policy-export.ts';
import { notationExport, opaExport } from './data-export.ts';
import { selectImages, type ExportedImages, type ExportedSnapshot, type ExportNote } from './export-selection.ts';
import type { ExportForm } from './export-form.ts';
import { kyvernoExport } from './kyverno-export.ts';

export interface RevocationExport {
  /** YAML of objects, or JSON. */
  readonly text: string;
  readonly notes: readonly ExportNote[];
}

const YAML_STYLE = { lineWidth: 0 };

/** What others can obey of what is revoked, and what they cannot. */
export function exportRevocations(snapshot: ExportedSnapshot, form: ExportForm, widen: boolean): RevocationExport {
  switch (form) {
    case 'opa':
      return { text: json(opaExport(snapshot)), notes: [] };
    case 'notation':
      return { text: json(notationExport(snapshot)), notes: [] };
    case 'cip':
      return objects(snapshot, widen, (exported) => [clusterImagePolicyExport(snapshot, exported)]);
    case 'kyverno':
      return objects(snapshot, widen, (exported) => [kyvernoExport(snapshot, exported)], BY_DIGEST);
    case 'vap':
      return objects(snapshot, widen, (exported) => admissionPolicyExport(snapshot, exported), BY_DIGEST);
  }
}

const BY_DIGEST: ExportNote = {
  effect: 'narrower',
  reason: 'it sees images as they are written: one that is named by a tag alone is not looked up',
};

function objects(
  snapshot: ExportedSnapshot,
  widen: boolean,
  render: (exported: ExportedImages) => readonly JsonObject[],
  always?: ExportNote,
): RevocationExport {
  const { images, notes } = selectImages(snapshot.inForce, widen);
  const all = always === undefined || images.length === 0 ? notes : [...notes, always];
  const head = [
    `revocations, version ${snapshot.version} of ${timeText(snapshot.issuedAt)}, until ${timeText(snapshot.expires)}`,
    ...all.map(noteText),
  ];
  const documents = images.flatMap(render).map((object) => stringify(object, YAML_STYLE));
  return { text: `${head.map(comment).join('')}${documents.join('---\n')}`, notes: all };
}

export function noteText({ id, effect, reason }: ExportNote): string {
  return `${effect}${id === undefined ? '' : ` ${id}`}: ${reason}`;
}

/** One line, whatever is in it. */
function comment(text: string): string {
  return `# ${text.replaceAll(/[^\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd]/g, '?')}\n`;
}

function json(value: JsonObject): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
