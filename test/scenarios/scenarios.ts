import { BLOB_SCENARIOS } from './blobs.ts';
import { CARRYING_SCENARIOS } from './carrying.ts';
import { CERTIFICATE_SCENARIOS } from './certificates.ts';
import { COMMAND_LINE_SCENARIOS } from './command-lines.ts';
import { IMAGE_SCENARIOS } from './images.ts';
import { KEY_SCENARIOS } from './keys.ts';
import { MISLEADING_SCENARIOS } from './misleading.ts';
import type { Scenario } from './scenario.ts';
import { SERVICE_SCENARIOS } from './services.ts';
import { TIMESTAMP_SCENARIOS } from './timestamps.ts';

export const SCENARIOS: readonly Scenario[] = [
  ...IMAGE_SCENARIOS,
  ...BLOB_SCENARIOS,
  ...CARRYING_SCENARIOS,
  ...COMMAND_LINE_SCENARIOS,
  ...CERTIFICATE_SCENARIOS,
  ...TIMESTAMP_SCENARIOS,
  ...SERVICE_SCENARIOS,
  ...KEY_SCENARIOS,
  ...MISLEADING_SCENARIOS,
];
