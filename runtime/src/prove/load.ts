import type * as Prove from './prove.ts';

/** What simulates pipelines is large, so it is loaded when it is asked for. */
export function loadProve(): Promise<typeof Prove> {
  return import('./prove.ts');
}
