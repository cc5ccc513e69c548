import { stringify } from 'yaml';
import type { Rung } from '../audit/running-copy.ts';
import type { JsonObject, JsonValue } from '../encoding/json.ts';
import { installationObjects } from './installation-objects.ts';
import {
  HTTP_REGISTRY,
  NAMESPACE_SCOPES,
  OWN_EVIDENCE,
  REVOCATION_AUTHORITY_FILE,
  SHARED_EVIDENCE,
  TRUST_FOLDER,
  namespaceSelector,
  type CertManagerChoice,
  type InstallationOptions,
  type NamespaceScope,
} from './installation-options.ts';

/** What a chart's user may choose, with what stands in its values.yaml. */
export interface ChartValues {
  readonly image: string;
  /** Secrets with which it is pulled. */
  readonly imagePullSecrets: readonly { readonly name: string }[];
  readonly replicas: number;
  readonly namespaces: NamespaceScope;
  readonly failurePolicy: string;
  readonly timeoutSeconds: number;
  readonly callers: readonly JsonObject[];
  readonly trustedRoot: string;
  /** `postgres://USER@HOST/DATABASE`; empty for a file of each replica's own. */
  readonly evidence: string;
  readonly evidenceSecret: string;
  /** URL of the snapshot of what is revoked; empty for none. */
  readonly revocations: string;
  /** Text of who may revoke. */
  readonly revocationAuthority: string;
  readonly staleRevocations: string;
  readonly revocationsMaxAge: string;
  /** Plain HTTP to any registry. */
  readonly allowHttpRegistry: boolean;
}

interface ChartInput {
  readonly values: ChartValues;
  readonly podTemplates: InstallationOptions['podTemplates'];
  readonly configMaps: InstallationOptions['configMaps'];
  /** Further namespaces that are never guarded. */
  readonly exempt: readonly string[];
  /** Whether, and by whom, the certificate is renewed by cert-manager. */
  readonly certManager?: CertManagerChoice;
  /** Whether, and how far, running copies of what is revoked are looked for. */
  readonly watch?: Rung;
  /** Version of the program, which is the chart's as well. */
  readonly version: string;
}

/** Helm puts it in itself. */
const NAMESPACE = '{{ .Release.Namespace }}';
/** Whoever names one half of it has to name the other. */
const AUTHORITY_CHOICE =
  '{{ if .Values.revocations }}{{ required "revocationAuthority is the text that revoke init has written" .Values.revocationAuthority | quote }}' +
  '{{ else if .Values.revocationAuthority }}{{ fail "revocations is the URL of the snapshot of what is revoked" }}{{ else }}""{{ end }}';
const YAML_STYLE = { lineWidth: 0, aliasDuplicateObjects: false } as const;

/** An expression of a template in the place of a whole value. */
class Expressions {
  readonly #all: string[] = [];
  readonly #conditions = new Map<number, string>();

  /** @param text what the template has there, written in YAML's flow style */
  value(text: string): string {
    this.#all.push(text);
    return `<<${this.#all.length - 1}>>`;
  }

  /** An item of a list that is there where the condition holds, and missing otherwise. */
  item(condition: string, text: string): string {
    const index = this.#all.push(text) - 1;
    this.#conditions.set(index, condition);
    return `<<${index}>>`;
  }

  fill(yaml: string): string {
    const withItems = yaml.replace(/^( *)- (['"]?)<<(\d+)>>\2$/gm, (line, indent: string, _quote, index: string) => {
      const condition = this.#conditions.get(Number(index));
      if (condition === undefined) return line;
      return `${indent}{{- if ${condition} }}\n${indent}- ${this.#all[Number(index)] ?? ''}\n${indent}{{- end }}`;
    });
    return withItems.replace(/(['"]?)<<(\d+)>>\1/g, (_, _quote, index: string) => this.#all[Number(index)] ?? '');
  }
}

/**
 * The installation as a Helm chart: file names and their texts. The templates are the same objects as everywhere else, with
 * expressions where the chart's user chooses.
 */
export function helmChart({
  values,
  podTemplates,
  configMaps,
  exempt,
  certManager,
  watch,
  version,
}: ChartInput): ReadonlyMap<string, string> {
  const expressions = new Expressions();
  const text = (name: string): string => expressions.value(`{{ .Values.${name} | quote }}`);
  const options: InstallationOptions = {
    namespace: NAMESPACE,
    image: text('image'),
    imagePullSecrets: expressions.value('{{ toJson .Values.imagePullSecrets }}'),
    replicas: expressions.value('{{ .Values.replicas }}'),
    namespaceSelector: expressions.value(selectorChoice([NAMESPACE, ...exempt])),
    scope: expressions.value('{{ printf "--namespaces=%s" .Values.namespaces | quote }}'),
    exempt,
    failurePolicy: text('failurePolicy'),
    timeoutSeconds: expressions.value('{{ .Values.timeoutSeconds }}'),
    callers: expressions.value('{{ toJson .Values.callers }}'),
    trustedRoot: expressions.value(
      '{{ required "trustedRoot is the text of a trusted_root.json" .Values.trustedRoot | quote }}',
    ),
    revocationArguments: [
      ['revocations', 'revocations'],
      ['revocation-authority', undefined],
      ['stale-revocations', 'staleRevocations'],
      ['revocations-max-age', 'revocationsMaxAge'],
    ].map(([flag, name]) =>
      expressions.item(
        '.Values.revocations',
        name === undefined
          ? `--${flag}=${TRUST_FOLDER}/${REVOCATION_AUTHORITY_FILE}`
          : `{{ printf "--${flag}=%s" .Values.${name} | quote }}`,
      ),
    ),
    registryArguments: [expressions.item('.Values.allowHttpRegistry', HTTP_REGISTRY)],
    revocationAuthority: expressions.value(AUTHORITY_CHOICE),
    ...(certManager === undefined ? {} : { certManager }),
    ...(watch === undefined ? {} : { watch }),
    evidence: expressions.value(evidenceChoice(0, '{{ .Values.evidence }}')),
    evidencePassword: expressions.value(evidenceChoice(1, '')),
    evidenceSecret: text('evidenceSecret'),
    configMaps,
    podTemplates,
  };
  const { definitions, workload, configurations } = installationObjects(options);
  const documents = (objects: readonly JsonValue[]): string => expressions.fill(yamlDocuments(objects));
  return new Map([
    ['Chart.yaml', yamlDocuments([chartFacts(version)])],
    ['values.yaml', yamlDocuments([values as unknown as JsonValue])],
    ['crds/policies.yaml', yamlDocuments(definitions)],
    ['templates/workload.yaml', documents(workload)],
    ['templates/configurations.yaml', documents(configurations)],
  ]);
}

function chartFacts(version: string): JsonObject {
  return {
    apiVersion: 'v2',
    name: 'sealwright-webhook',
    description: 'Admission of signed images by ClusterImagePolicy',
    type: 'application',
    version,
    appVersion: version,
    kubeVersion: '>=1.30.0-0',
  };
}

/** `opt-in` and so on are words in the values; the selectors they stand for are written out in the template. */
function selectorChoice(exempt: readonly string[]): string {
  const branches = NAMESPACE_SCOPES.map((scope, index) => {
    const word = index === 0 ? 'if' : 'else if';
    return `{{ ${word} eq .Values.namespaces "${scope}" }}${JSON.stringify(namespaceSelector(scope, exempt))}`;
  });
  return `${branches.join('')}{{ else }}{{ fail "namespaces is ${NAMESPACE_SCOPES.join(', ')}" }}{{ end }}`;
}

/** One of the arguments, by whether a database is named. */
function evidenceChoice(index: 0 | 1, url: string): string {
  const [shared, own] = [`${SHARED_EVIDENCE[index]}${url}`, OWN_EVIDENCE[index]];
  return `{{ if .Values.evidence }}"${shared}"{{ else }}"${own}"{{ end }}`;
}

/** One document for each object, as `kubectl apply -f` reads them. */
export function yamlDocuments(objects: readonly JsonValue[]): string {
  return objects.map((object) => stringify(object, YAML_STYLE)).join('---\n');
}
