import type { ViewMode } from '../plan/node.ts';
import type { Definition } from './definition.ts';

/** A finished view: what `pipeline` takes. */
export interface View<R> extends Definition {
  readonly mode: ViewMode;
  /** @internal Carries the row type. */
  readonly of?: R;
}
