/** docs/slo.yaml and docs/contract.odcs.yaml: what the project promises, for tools that watch it and for those who read it. */
import { toOdcs } from '../advisor/print/odcs.ts';
import { toOpenSlo } from '../advisor/print/openslo.ts';
import type { Choices } from './blueprint.ts';

/** The view of the template `flights`, as an object of the data contract; a test holds it against the definition. */
const VIEWS = [
  {
    name: 'delays',
    logicalType: 'object',
    physicalType: 'view',
    description: 'How late flights leave: one row for each origin and hour of departure.',
    properties: [
      key('origin', 'string', 1, 'Airport code, such as ATL.'),
      key('window', 'object', 2, 'The hour in which flights were scheduled: start and end, ISO 8601.'),
      value('flights', 'integer', 'Departures.'),
      value('meanDelay', 'number', 'Minutes; below 0 when they left early.'),
      value('destinations', 'integer', 'Distinct destinations.'),
    ],
  },
];

export function promisesOf({ name, recommendation, architecture }: Choices): [path: string, text: string][] {
  const options = { name, chosen: architecture };
  return [
    ['docs/contract.odcs.yaml', toOdcs(recommendation, { ...options, schema: VIEWS })],
    ['docs/slo.yaml', toOpenSlo(recommendation, options)],
  ];
}

function value(name: string, logicalType: string, description: string) {
  return { name, logicalType, description };
}

function key(name: string, logicalType: string, primaryKeyPosition: number, description: string) {
  return { ...value(name, logicalType, description), primaryKey: true, primaryKeyPosition };
}
