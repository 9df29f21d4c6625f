import { readFileSync } from 'node:fs';
import { avg, count, countDistinct, type Pipeline, pipeline, source, tumbling } from 'pipeline-runtime';
import { z } from 'zod';
import type { Flight, OracleRules } from './oracle.ts';

/** The template's day of real flights, in the order in which they became known. */
export function readFlights(): Flight[] {
  const file = new URL('../../../templates/base/sample/flights.jsonl', import.meta.url);
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Flight);
}

/** The question of the template, under the rules of one test. */
export function flightsPipeline(rules: OracleRules): Pipeline {
  const flights = source('flights', {
    schema: z.object({
      origin: z.string(),
      destination: z.string(),
      scheduled: z.iso.datetime(),
      delay: z.number(),
    }),
    eventTime: 'scheduled',
    watermark: { delay: `${rules.delayMs}ms`, idleAfter: '1m' },
    lateness: { allowed: `${rules.allowedMs}ms`, then: rules.policy },
  });
  const grouped = flights
    .groupBy((f) => ({ origin: f.origin, window: tumbling(f.scheduled, '1h') }))
    .aggregate((f) => ({
      flights: count(),
      meanDelay: avg(f.delay),
      destinations: countDistinct(f.destination),
    }));
  return pipeline('departures', { delays: rules.mode === 'final' ? grouped.final() : grouped.updates() });
}
