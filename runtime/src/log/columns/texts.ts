import { invariant } from '../../base/invariant.ts';
import type { ColumnBody } from '../log.ts';

/** The canonical JSON text of each event of a column block. */
export function textsOf({ count }: ColumnBody): readonly string[] {
  invariant(count === 0, 'nothing writes columns yet');
  return [];
}
