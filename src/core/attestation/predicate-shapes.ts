/**
 * The predicates that cosign knows by type, as the Go types behind it have them: in-toto's protobuf messages for SLSA
 * provenance when it signs (in-toto/attestation, `protos/in_toto_attestation/predicates/provenance`), in-toto-golang's and
 * its own structures for links, scans, and what policies get to see.
 */
import {
  ANY,
  BOOLEAN,
  list,
  message,
  OBJECT,
  TEXT,
  TEXT_MAP,
  TEXTS,
  TIME,
  type MessageShape,
  type Shape,
} from './message-shape.ts';

/** in-toto's ResourceDescriptor, in protobuf's JSON. */
export const RESOURCE_DESCRIPTOR: MessageShape = message(
  { name: 'name', shape: TEXT },
  { name: 'uri', shape: TEXT },
  { name: 'digest', shape: TEXT_MAP },
  { name: 'content', shape: { kind: 'bytes' } },
  { name: 'downloadLocation', shape: TEXT },
  { name: 'mediaType', shape: TEXT },
  { name: 'annotations', shape: OBJECT },
);

/** slsa.dev/provenance/v0.2, protobuf; what is required is said in its schema. */
export const PROVENANCE_V02: MessageShape = message(
  { name: 'builder', shape: message({ name: 'id', shape: TEXT, required: true }), required: true },
  { name: 'buildType', shape: TEXT, required: true },
  {
    name: 'invocation',
    shape: message(
      {
        name: 'configSource',
        shape: message(
          { name: 'uri', shape: TEXT },
          { name: 'digest', shape: TEXT_MAP },
          { name: 'entryPoint', shape: TEXT },
        ),
      },
      { name: 'parameters', shape: OBJECT },
      { name: 'environment', shape: OBJECT },
    ),
  },
  { name: 'buildConfig', shape: OBJECT },
  {
    name: 'metadata',
    shape: message(
      { name: 'buildInvocationId', shape: TEXT },
      { name: 'buildStartedOn', shape: TIME },
      { name: 'buildFinishedOn', shape: TIME },
      {
        name: 'completeness',
        shape: message(
          { name: 'parameters', shape: BOOLEAN },
          { name: 'environment', shape: BOOLEAN },
          { name: 'materials', shape: BOOLEAN },
        ),
      },
      { name: 'reproducible', shape: BOOLEAN },
    ),
  },
  { name: 'materials', shape: list(message({ name: 'uri', shape: TEXT }, { name: 'digest', shape: TEXT_MAP })) },
);

/** slsa.dev/provenance/v1, protobuf. */
export const PROVENANCE_V1: MessageShape = message(
  {
    name: 'buildDefinition',
    shape: message(
      { name: 'buildType', shape: TEXT, required: true },
      { name: 'externalParameters', shape: OBJECT, required: true },
      { name: 'internalParameters', shape: OBJECT },
      { name: 'resolvedDependencies', shape: list(RESOURCE_DESCRIPTOR) },
    ),
    required: true,
  },
  {
    name: 'runDetails',
    shape: message(
      {
        name: 'builder',
        shape: message(
          { name: 'id', shape: TEXT, required: true },
          { name: 'version', shape: TEXT_MAP },
          { name: 'builderDependencies', shape: list(RESOURCE_DESCRIPTOR) },
        ),
        required: true,
      },
      {
        name: 'metadata',
        shape: message(
          { name: 'invocationId', shape: TEXT },
          { name: 'startedOn', shape: TIME },
          { name: 'finishedOn', shape: TIME },
        ),
      },
      { name: 'byproducts', shape: list(RESOURCE_DESCRIPTOR) },
    ),
    required: true,
  },
);

/** in-toto 0.9 link (in-toto-golang `Link`): cosign itself demands every member. */
export const LINK: MessageShape = message(
  { name: '_type', shape: TEXT, required: true },
  { name: 'name', shape: TEXT, required: true },
  { name: 'materials', shape: { kind: 'map', of: TEXT_MAP }, required: true },
  { name: 'products', shape: { kind: 'map', of: TEXT_MAP }, required: true },
  { name: 'byproducts', shape: OBJECT, required: true },
  { name: 'command', shape: TEXTS, required: true },
  { name: 'environment', shape: OBJECT, required: true },
);

/** cosign's vulnerability scan (`cosign: specs/COSIGN_VULN_ATTESTATION_SPEC.md`), with the times that it calls required. */
export const VULNERABILITY_SCAN: MessageShape = message(
  {
    name: 'invocation',
    shape: message(
      { name: 'parameters', shape: ANY },
      { name: 'uri', shape: TEXT },
      { name: 'event_id', shape: TEXT },
      { name: 'builder.id', shape: TEXT },
    ),
  },
  {
    name: 'scanner',
    shape: message(
      { name: 'uri', shape: TEXT },
      { name: 'version', shape: TEXT },
      { name: 'db', shape: message({ name: 'uri', shape: TEXT }, { name: 'version', shape: TEXT }) },
      { name: 'result', shape: ANY },
    ),
    required: true,
  },
  {
    name: 'metadata',
    shape: message(
      { name: 'scanStartedOn', shape: TIME, required: true },
      { name: 'scanFinishedOn', shape: TIME, required: true },
    ),
    required: true,
  },
);

/** A whole statement of any predicate, in protobuf's JSON. A predicate is an object there, except for SPDX texts. */
export const STATEMENT: MessageShape = message(
  { name: '_type', shape: TEXT },
  { name: 'subject', shape: list(RESOURCE_DESCRIPTOR) },
  { name: 'predicateType', shape: TEXT },
  { name: 'predicate', shape: ANY },
);

/** in-toto-golang's older statements, which policies get to see: subjects have a name and a digest, and nothing else. */
export function statementOf(predicate: Shape): MessageShape {
  return message(
    { name: '_type', shape: TEXT },
    { name: 'predicateType', shape: TEXT },
    { name: 'subject', shape: list(message({ name: 'name', shape: TEXT }, { name: 'digest', shape: TEXT_MAP })) },
    { name: 'predicate', shape: predicate },
  );
}

/** slsa.dev/provenance/v0.2 in in-toto-golang's structure, which policies get to see. */
export const PROVENANCE_V02_FOR_POLICIES: MessageShape = message(
  { name: 'builder', shape: message({ name: 'id', shape: TEXT }) },
  { name: 'buildType', shape: TEXT },
  {
    name: 'invocation',
    shape: message(
      {
        name: 'configSource',
        shape: message(
          { name: 'uri', shape: TEXT, omitEmpty: true },
          { name: 'digest', shape: TEXT_MAP, omitEmpty: true },
          { name: 'entryPoint', shape: TEXT, omitEmpty: true },
        ),
      },
      { name: 'parameters', shape: ANY, omitEmpty: true },
      { name: 'environment', shape: ANY, omitEmpty: true },
    ),
  },
  { name: 'buildConfig', shape: ANY, omitEmpty: true },
  {
    name: 'metadata',
    shape: message(
      { name: 'buildInvocationID', shape: TEXT, omitEmpty: true },
      { name: 'buildStartedOn', shape: TIME, omitEmpty: true },
      { name: 'buildFinishedOn', shape: TIME, omitEmpty: true },
      {
        name: 'completeness',
        shape: message(
          { name: 'parameters', shape: BOOLEAN },
          { name: 'environment', shape: BOOLEAN },
          { name: 'materials', shape: BOOLEAN },
        ),
      },
      { name: 'reproducible', shape: BOOLEAN },
    ),
    omitEmpty: true,
  },
  {
    name: 'materials',
    shape: list(
      message({ name: 'uri', shape: TEXT, omitEmpty: true }, { name: 'digest', shape: TEXT_MAP, omitEmpty: true }),
    ),
    omitEmpty: true,
  },
);

/**
 * A scan's statement as cosign's own structure has it. It looks for the statement's type under a name that statements do not
 * use, so policies never see it.
 */
export const SCAN_STATEMENT: MessageShape = message(
  { name: 'type', shape: TEXT, omitEmpty: true },
  {
    name: 'subject',
    shape: list(
      message(
        { name: 'name', shape: TEXT, omitEmpty: true },
        { name: 'uri', shape: TEXT, omitEmpty: true },
        { name: 'digest', shape: TEXT_MAP, omitEmpty: true },
        { name: 'content', shape: TEXT, omitEmpty: true },
        { name: 'download_location', shape: TEXT, omitEmpty: true },
        { name: 'media_type', shape: TEXT, omitEmpty: true },
        { name: 'annotations', shape: ANY, omitEmpty: true },
      ),
    ),
    omitEmpty: true,
  },
  { name: 'predicateType', shape: TEXT, omitEmpty: true },
  { name: 'predicate', shape: VULNERABILITY_SCAN },
);
