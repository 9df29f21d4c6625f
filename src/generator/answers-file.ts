/** answers.yaml: what was answered; beside it, as comments, the defaults that stood in for what nobody answered. */
import { stringify } from 'yaml';
import type { Recommendation } from '../advisor/recommendation.ts';

type Group = Readonly<Record<string, unknown>>;

export function answersFileOf({ answers, defaulted }: Pick<Recommendation, 'answers' | 'defaulted'>): string {
  return linesOf(answers, '', new Set(defaulted)).join('\n');
}

/** A group's line is a comment when all that it holds is one, so that taking a `# ` away leaves valid YAML. */
function linesOf(group: Group, prefix: string, defaulted: ReadonlySet<string>): string[] {
  return Object.entries(group).flatMap(([key, value]) => {
    const path = prefix + key;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return [`${defaulted.has(path) ? '# ' : ''}${key}: ${scalarOf(value)}`];
    }
    const inner = linesOf(value as Group, `${path}.`, defaulted);
    const open = inner.every((line) => line.startsWith('# ')) ? '# ' : '';
    return [`${open}${key}:`, ...inner.map((line) => (open === '' ? `  ${line}` : `#   ${line.slice(2)}`))];
  });
}

function scalarOf(value: unknown): string {
  return stringify(value, { lineWidth: 0, collectionStyle: 'flow', schema: 'core' }).trimEnd();
}
