/** `advisor prices`: the figures that costs and efforts are counted with, as a file to edit; and how such a file is read. */
import process from 'node:process';
import { checkYaml, readYamlFile } from 'pipeline-runtime/kit';
import { ASSUMED, type Assumptions } from '../../advisor/knowledge/assumptions.ts';
import { knowledgeOf } from '../../advisor/knowledge/knowledge.ts';
import { assumedFrom, pricesSchema, pricesTemplate } from '../../advisor/prices.ts';

export function printPrices(): void {
  process.stdout.write(
    pricesTemplate((id) => {
      const { title, asOf, check } = knowledgeOf(id);
      return `${title} (${asOf}, ${check})`;
    }),
  );
}

/**
 * The figures of a file in place of ours.
 * @throws FILE_UNREADABLE; FILE_INVALID with every problem, its place and the nearest known name
 */
export function readPrices(file: string | undefined): Assumptions {
  return file === undefined ? ASSUMED : assumedFrom(checkYaml(readYamlFile(file), pricesSchema), file);
}
