import { defineProcess, pipeline, source } from 'pipeline-runtime';
import { z } from 'zod';

const clicks = source('clicks', {
  schema: z.object({ at: z.iso.datetime(), user: z.string(), weight: z.int() }),
  eventTime: 'at',
  watermark: { delay: '1m' },
  lateness: { allowed: '0s', then: 'drop' },
});

/** A row for each burst of clicks of a user, a minute after its last click. */
const bursts = defineProcess('bursts', {
  output: z.object({ user: z.string(), from: z.iso.datetime(), weight: z.int() }),
  state: { fromMs: 0, lastMs: 0, weight: 0 },
  onEvent(click: { readonly weight: number }, context) {
    const { timeMs, state } = context;
    state.fromMs ||= timeMs;
    state.weight += click.weight;
    context.clearTimer(state.lastMs + 60_000);
    context.setTimer(timeMs + 60_000);
    state.lastMs = timeMs;
    // What was done before an error is undone.
    if (click.weight < 0) throw new Error('a negative weight');
  },
  onTimer(context) {
    const { fromMs, weight } = context.state;
    context.emit({ user: context.key['user'] as string, from: fromMs, weight });
    context.state = { fromMs: 0, lastMs: 0, weight: 0 };
  },
});

export default pipeline('process', {
  // Rows come in the order of event time. A timer runs behind the rows of its time, and before all later ones.
  bursts: clicks.process(['user'], bursts).updates(),
});
