/** One fact that advice rests on, with where it comes from and how far it can be trusted. */
export interface KnowledgeEntry {
  readonly id: string;
  readonly title: string;
  readonly claim: string;
  readonly value?: number | readonly [number, number];
  readonly unit?: string;
  readonly url: string;
  /** When the figure was read, or the year it was measured in. Prices and floors age. */
  readonly asOf: string;
  readonly kind: 'official-doc' | 'vendor' | 'practitioner' | 'paper' | 'ours';
  /**
   * read: seen on the cited page · secondary: seen where others quote it · derived: arithmetic on other entries ·
   * measured: by a benchmark of this project, committed under bench/results · estimate: a judgement of this project, to be
   * replaced by a measurement
   */
  readonly check: 'read' | 'secondary' | 'derived' | 'measured' | 'estimate';
}
