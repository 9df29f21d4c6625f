/**
 * The answers of the Nexmark queries from DuckDB, in SQL that shares nothing with the engine: the words of the published
 * queries, plus what a stream adds. `pos` is the order of arrival, `wm` the watermark before an event: the largest time of
 * any event before it, less the delay. A row counts in a window unless the last millisecond of the window is at or below.
 */
import { DuckDBInstance } from '@duckdb/node-api';
import { readFile, rm } from 'node:fs/promises';

const EVENT = `{
  event_type: 'INTEGER',
  person: 'STRUCT(id BIGINT, "name" VARCHAR, emailAddress VARCHAR, creditCard VARCHAR, city VARCHAR, state VARCHAR, "dateTime" TIMESTAMP, extra VARCHAR)',
  auction: 'STRUCT(id BIGINT, itemName VARCHAR, description VARCHAR, initialBid BIGINT, reserve BIGINT, "dateTime" TIMESTAMP, expires TIMESTAMP, seller BIGINT, category BIGINT, extra VARCHAR)',
  bid: 'STRUCT(auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR, "dateTime" TIMESTAMP, extra VARCHAR)'
}`;

const BID = 'auction, bidder, price, channel, url';
const RANKS = ['price < 10000', 'price >= 10000 AND price < 1000000', 'price >= 1000000'] as const;
const ranked = (what: string, name: string): string =>
  [
    `${what} AS total_${name}`,
    ...RANKS.map((rank, i) => `${what} FILTER (WHERE ${rank}) AS rank${i + 1}_${name}`),
  ].join(', ');
const COUNTS = [
  ranked('count(*)', 'bids'),
  ranked('count(DISTINCT bidder)', 'bidders'),
  ranked('count(DISTINCT auction)', 'auctions'),
].join(', ');
const DAY = `strftime("dateTime", '%Y-%m-%d')`;
const SECOND = 1000;

/** One row for each bid and window of ten seconds that it counts in. */
const windows = (table: string, slideMs: number): string => `(
  SELECT * FROM (
    SELECT *, unnest(range(ms - (ms % ${slideMs}) - ${10 * SECOND - slideMs}, ms + 1, ${slideMs})) AS start
    FROM (SELECT *, epoch_ms("dateTime") AS ms FROM ${table})
  ) WHERE wm IS NULL OR start + ${10 * SECOND} - 1 > wm
)`;
const WINNERS = `
  SELECT a.*, b.auction, b.bidder, b.price, b."dateTime" AS bid_dateTime, b.extra AS bid_extra, b.pos AS bid_pos, greatest(a.pos, b.pos) AS pair_at
  FROM auction a, bid b WHERE a.id = b.auction AND b."dateTime" BETWEEN a."dateTime" AND a.expires`;
const CHANNEL = `regexp_extract(url, '(&|^)channel_id=([^&]*)', 2)`;
const HAS_CHANNEL = `regexp_matches(url, '(&|^)channel_id=([^&]*)')`;

/** The sessions when no row is late: as DuckDB is measured with. */
const PLAIN_SESSIONS = `SELECT bidder, count(*) AS bid_count, make_timestamp(min(ms) * 1000) AS starttime, make_timestamp((max(ms) + 10000) * 1000) AS endtime
  FROM (SELECT bidder, ms, sum(CASE WHEN before IS NULL OR ms - before > 10000 THEN 1 ELSE 0 END) OVER (PARTITION BY bidder ORDER BY ms ROWS UNBOUNDED PRECEDING) AS session
    FROM (SELECT bidder, ms, lag(ms) OVER (PARTITION BY bidder ORDER BY ms) AS before FROM (SELECT bidder, epoch_ms("dateTime") AS ms FROM bid)))
  GROUP BY bidder, session`;

export const REFERENCE: Readonly<Record<string, string>> = {
  q0: `SELECT auction, bidder, price, "dateTime", extra FROM bid`,
  q1: `SELECT auction, bidder, (0.908 * price)::DECIMAL(23,3) AS price, "dateTime", extra FROM bid`,
  q2: `SELECT auction, price FROM bid WHERE auction % 123 = 0`,
  q3: `SELECT p.name, p.city, p.state, a.id FROM auction a JOIN person p ON a.seller = p.id WHERE a.category = 10 AND p.state IN ('OR', 'ID', 'CA')`,
  q4: `SELECT category AS id, (sum(final) // count(final))::BIGINT AS final FROM (SELECT id, category, max(price) AS final FROM (${WINNERS}) GROUP BY id, category) GROUP BY category`,
  q5: `WITH counted AS (SELECT auction, count(*) AS num, start FROM ${windows('bid', 2 * SECOND)} GROUP BY auction, start)
    SELECT auction, num FROM counted JOIN (SELECT max(num) AS maxn, start FROM counted GROUP BY start) most USING (start) WHERE num >= maxn`,
  q7: `SELECT b.auction, b.price AS bidder, b.bidder AS price, b."dateTime", b.extra
    FROM bid b JOIN (SELECT max(price) AS maxprice, start + 10000 AS endms FROM ${windows('bid', 10 * SECOND)} GROUP BY start) m
    ON b.price = m.maxprice WHERE epoch_ms(b."dateTime") BETWEEN endms - 10000 AND endms`,
  q8: `SELECT DISTINCT p.id, p.name, make_timestamp(p.start * 1000) AS stime FROM ${windows('person', 10 * SECOND)} p
    JOIN (SELECT DISTINCT seller, start FROM ${windows('auction', 10 * SECOND)}) a ON p.id = a.seller AND p.start = a.start`,
  q9: `SELECT id, itemName, description, initialBid, reserve, "dateTime", expires, seller, category, extra, auction, bidder, price, bid_dateTime, bid_extra
    FROM (${WINNERS}) QUALIFY row_number() OVER (PARTITION BY id ORDER BY price DESC, bid_dateTime, pair_at, bid_pos) = 1`,
  q10: `SELECT auction, bidder, price, "dateTime", extra, ${DAY} AS dt, strftime("dateTime", '%H:%M') AS hm FROM bid`,
  q11: PLAIN_SESSIONS,
  q13: `SELECT auction, bidder, price, "dateTime", side."value" FROM bid JOIN side ON auction % 10000 = side."key"`,
  q14: `SELECT auction, bidder, (0.908 * price)::DECIMAL(23,3) AS price,
      CASE WHEN hour("dateTime") BETWEEN 8 AND 18 THEN 'dayTime' WHEN hour("dateTime") <= 6 OR hour("dateTime") >= 20 THEN 'nightTime' ELSE 'otherTime' END AS bidTimeType,
      "dateTime", extra, length(extra) - length(replace(extra, 'c', '')) AS c_counts
    FROM bid WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000`,
  q15: `SELECT ${DAY} AS "day", ${COUNTS} FROM bid GROUP BY ALL`,
  q16: `SELECT channel, ${DAY} AS "day", max(strftime("dateTime", '%H:%M')) AS "minute", ${COUNTS} FROM bid GROUP BY ALL`,
  q17: `SELECT auction, ${DAY} AS "day", ${ranked('count(*)', 'bids')}, min(price) AS min_price, max(price) AS max_price,
      (sum(price) // count(*))::BIGINT AS avg_price, sum(price)::BIGINT AS sum_price FROM bid GROUP BY ALL`,
  q18: `SELECT ${BID}, "dateTime", extra FROM bid QUALIFY row_number() OVER (PARTITION BY bidder, auction ORDER BY "dateTime" DESC, pos DESC) = 1`,
  q19: `SELECT * FROM (SELECT ${BID}, "dateTime", extra, row_number() OVER (PARTITION BY auction ORDER BY price DESC, pos) AS rank_number FROM bid) WHERE rank_number <= 10`,
  q20: `SELECT ${BID}, b."dateTime" AS bid_dateTime, b.extra AS bid_extra, itemName, description, initialBid, reserve, a."dateTime" AS auction_dateTime, expires, seller, category, a.extra AS auction_extra
    FROM bid b JOIN auction a ON b.auction = a.id WHERE a.category = 10`,
  q21: `SELECT auction, bidder, price, channel, CASE lower(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1' WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3' ELSE ${CHANNEL} END AS channel_id
    FROM bid WHERE ${HAS_CHANNEL} OR lower(channel) IN ('apple', 'google', 'facebook', 'baidu')`,
  q22: `SELECT auction, bidder, price, channel, split_part(url, '/', 4) AS dir1, split_part(url, '/', 5) AS dir2, split_part(url, '/', 6) AS dir3 FROM bid`,
};

/** SQL has no session that forgets late rows, so this query is told step by step. */
const SESSIONS = `SELECT pos, bidder, epoch_ms("dateTime") AS ms, wm FROM bid ORDER BY pos`;

const KINDS = ['person', 'auction', 'bid'] as const;
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const lines = (file: string): string =>
  `read_json(${quoted(file)}, format = 'newline_delimited', columns = ${EVENT})`;

/** Views over the lines of a file as they stand there: no order of arrival and no watermark. */
export function eventViews(file: string): string[] {
  return KINDS.map(
    (kind, index) =>
      `CREATE VIEW ${kind} AS SELECT NULL::BIGINT AS pos, NULL::BIGINT AS wm, ${kind}.* FROM ${lines(file)} WHERE event_type = ${index}`,
  );
}

/** A database with the events of a file as persons, auctions and bids. */
export async function openReference(file: string, delayMs: number, side?: string): Promise<Reference> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '4GB' });
  const connection = await instance.connect();
  await connection.run(`SET TimeZone = 'UTC'`);
  await connection.run(`CREATE TABLE raw AS SELECT row_number() OVER () AS pos, * FROM ${lines(file)}`);
  await connection.run(
    `CREATE TABLE events AS SELECT *, max(epoch_ms(coalesce(person."dateTime", auction."dateTime", bid."dateTime"))) OVER (ORDER BY pos ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) - ${delayMs} AS wm FROM raw`,
  );
  for (const [index, kind] of KINDS.entries())
    await connection.run(
      `CREATE VIEW ${kind} AS SELECT pos, wm, ${kind}.* FROM events WHERE event_type = ${index}`,
    );
  if (side !== undefined)
    await connection.run(
      `CREATE TABLE side AS SELECT * FROM read_csv(${quoted(side)}, header = false, columns = {'key': 'BIGINT', 'value': 'VARCHAR'})`,
    );
  return new Reference(connection);
}

type Connection = Awaited<ReturnType<DuckDBInstance['connect']>>;

export class Reference {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The rows of a query as compact JSON texts, sorted. */
  async rows(query: string): Promise<string[]> {
    if (query === 'q11') return this.#sessions();
    const sql = REFERENCE[query];
    if (sql === undefined) throw new Error(`there is no reference for ${query}`);
    const file = `/tmp/nexmark-reference-${process.pid}-${query}.json`;
    await this.#connection.run(
      `COPY (${sql}) TO '${file}' (FORMAT JSON, TIMESTAMPFORMAT '%Y-%m-%d %H:%M:%S.%g')`,
    );
    const text = await readFile(file, 'utf8');
    await rm(file);
    const decimal = query === 'q1' || query === 'q14';
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const row = JSON.parse(line) as Record<string, unknown>;
        if (decimal) row['price'] = (row['price'] as number).toFixed(3);
        return JSON.stringify(row);
      })
      .sort();
  }

  async #sessions(): Promise<string[]> {
    const reader = await this.#connection.runAndReadAll(SESSIONS);
    const gap = 10 * SECOND;
    const open = new Map<string, { from: number; to: number; count: number }[]>();
    for (const [, bidder, msValue, wmValue] of reader.getRows()) {
      const ms = Number(msValue);
      const watermark = wmValue === null ? -Infinity : Number(wmValue);
      const sessions = open.get(String(bidder)) ?? [];
      const touching = sessions.filter(({ from, to }) => to - 1 > watermark && from <= ms + gap && ms <= to);
      const merged = {
        from: Math.min(ms, ...touching.map(({ from }) => from)),
        to: Math.max(ms + gap, ...touching.map(({ to }) => to)),
        count: touching.reduce((sum, { count }) => sum + count, 1),
      };
      if (merged.to - 1 <= watermark) continue;
      open.set(String(bidder), [...sessions.filter((session) => !touching.includes(session)), merged]);
    }
    const time = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').slice(0, 23);
    return [...open]
      .flatMap(([bidder, sessions]) =>
        sessions.map(({ from, to, count }) =>
          JSON.stringify({
            bidder: Number(bidder),
            bid_count: count,
            starttime: time(from),
            endtime: time(to),
          }),
        ),
      )
      .sort();
  }
}
