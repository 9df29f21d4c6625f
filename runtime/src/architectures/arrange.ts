import type { Architecture } from '../config/project.ts';
import type { Arrangement, ArrangementOptions } from './arrangement.ts';
import { batch } from './batch.ts';
import { microBatch, streaming } from './incremental.ts';
import { kappa } from './kappa.ts';
import { lambda } from './lambda.ts';

const ARRANGEMENTS: { readonly [A in Architecture]: (options: ArrangementOptions) => Promise<Arrangement> } =
  {
    batch,
    'micro-batch': microBatch,
    streaming,
    lambda,
    kappa,
  };

/** Opens the layers of an architecture where they stopped. Throws DEFINITION_CHANGED, LOG_CORRUPT, STATE_FAILED. */
export function arrange(architecture: Architecture, options: ArrangementOptions): Promise<Arrangement> {
  return ARRANGEMENTS[architecture](options);
}
