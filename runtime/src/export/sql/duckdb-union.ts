import type { NodeOf } from '../../plan/node.ts';
import { sourcesOf } from '../../plan/walk.ts';
import { placesOf, SHARED_REASON } from './duckdb-arrival.ts';
import type { Context } from './duckdb-context.ts';
import { type Arrival, arrivalName, as, type Lateness, OVER, type Relation, select } from './duckdb-query.ts';
import { identifier } from './duckdb-text.ts';

/** The rows of all inputs. */
export function unionRelation(node: NodeOf<'union'>, context: Context): Relation {
  const inputs = node.inputs.map((input) => context.relationOf(input));
  const columns = context.columnsOf(node);
  const sources = node.inputs.flatMap((input) => sourcesOf(context.plan, input));
  const shares = new Set(sources).size < sources.length;
  const { arrival, placed } = arrivals(inputs, shares ? placesOf(context.view.node, node) : []);
  const lateness = latenessOf(inputs);
  const parts = inputs.map((input, index) => {
    const over = input.lateness === 'column' ? identifier(OVER) : 'NULL::TIMESTAMP';
    const own = columns.map(({ name }) => identifier(name));
    return select({
      columns: [...own, ...placed(input, index), ...(lateness === 'column' ? [as(over, OVER)] : [])],
      from: input.from,
    });
  });
  const from = context.query.add('union', parts.join('\nUNION ALL\n'));
  return {
    from,
    columns,
    arrival,
    lateness,
    heldBackMs: Math.max(0, ...inputs.map(({ heldBackMs }) => heldBackMs)),
  };
}

function latenessOf(inputs: readonly Relation[]): Lateness {
  if (inputs.some(({ lateness }) => lateness === 'unknown')) return 'unknown';
  return inputs.some(({ lateness }) => lateness === 'column') ? 'column' : 'never';
}

interface Arrivals {
  readonly arrival: Arrival;
  /** The hidden columns of an input, in the order of those of the union. */
  readonly placed: (input: Relation, index: number) => readonly string[];
}

/** `places` of inputs that one event may come through; empty when there are none, null when they are not known. */
function arrivals(inputs: readonly Relation[], places: readonly number[] | null): Arrivals {
  const none = (arrival: Arrival): Arrivals => ({ arrival, placed: () => [] });
  const all = inputs.map(({ arrival }) => arrival);
  const unknown = all.find(({ kind }) => kind === 'unknown');
  if (unknown !== undefined) return none(unknown);
  const known = all.filter((arrival) => arrival.kind === 'columns');
  const [first] = known;
  if (first === undefined) return none({ kind: 'content' });
  if (known.some(({ clock }) => clock !== first.clock)) {
    return none({
      kind: 'unknown',
      reason:
        'the order of arrival decides among equals; the positions of its sources are not those of one log',
    });
  }
  if (places === null) return none({ kind: 'unknown', reason: SHARED_REASON });
  const shares = places.length > 0;
  const length = Math.max(...known.map(({ names }) => names.length)) + (shares ? 1 : 0);
  const names = Array.from({ length }, (_, index) => arrivalName(index));
  const placed = ({ arrival }: Relation, index: number): string[] => {
    if (arrival.kind !== 'columns') return names.map((name) => as('NULL::BIGINT', name));
    const own = arrival.names.map(identifier);
    const terms = shares ? [own[0] ?? '0', String(places[index]), ...own.slice(1)] : own;
    return names.map((name, place) => as(terms[place] ?? '0', name));
  };
  return {
    arrival: {
      kind: 'columns',
      names,
      clock: first.clock,
      mixed: known.length < all.length || known.some(({ mixed }) => mixed),
    },
    placed,
  };
}
