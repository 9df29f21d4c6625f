/** The plan for a person: as text or as a Mermaid flowchart. */
import { formatDuration } from '../base/durations.ts';
import { explainExpr } from '../expr/evaluate.ts';
import { type AggregateCall, applyTable, type GroupKey, type Plan, type PlanTable } from './node.ts';
import { chainOf, isWindowKey, sourceOf, windowOf } from './walk.ts';

const LINES: PlanTable<string> = {
  source: (node) => `source ${node.source}`,
  filter: (node) => `filter ${explainExpr(node.predicate)}`,
  map: (node) => `map ${node.columns.map(({ name, expr }) => renamed(name, explainExpr(expr))).join(', ')}`,
  group: (node) => `group by ${node.keys.map(key).join(', ')}: ${node.aggregates.map(aggregate).join(', ')}`,
};

function key(groupKey: GroupKey): string {
  if (!isWindowKey(groupKey)) return renamed(groupKey.name, explainExpr(groupKey.expr));
  const { time, sizeMs } = groupKey.window;
  return `${groupKey.name} = tumbling(${explainExpr(time)}, ${formatDuration(sizeMs)})`;
}

function aggregate({ name, fn, arg }: AggregateCall): string {
  return `${name} = ${fn}(${arg === null ? '' : explainExpr(arg)})`;
}

function renamed(name: string, text: string): string {
  return name === text ? name : `${name} = ${text}`;
}

export function explainPlan(plan: Plan): string {
  const lines = [`pipeline ${plan.name}`];
  for (const view of plan.views) {
    const source = sourceOf(plan, view.node);
    lines.push('', `view ${view.name} (${view.mode === 'final' ? 'final results' : 'updates'})`);
    chainOf(view.node).forEach((node, depth) =>
      lines.push(`${'  '.repeat(depth + 1)}${applyTable(LINES, node, undefined)}`),
    );
    lines.push(
      `  watermark ${formatDuration(source.watermark.delayMs)} behind the newest ${source.eventTime}`,
    );
    lines.push(
      windowOf(view.node) === undefined
        ? '  state one entry for each key, never removed: the group has no window'
        : `  late after ${formatDuration(source.lateness.allowedMs)} more: ${source.lateness.then}`,
    );
  }
  return lines.join('\n');
}

export function mermaidPlan(plan: Plan): string {
  const lines = ['flowchart LR'];
  for (const [viewIndex, view] of plan.views.entries()) {
    const chain = chainOf(view.node);
    const id = (index: number): string =>
      index === 0 ? `s_${chain[0]?.kind === 'source' ? chain[0].source : ''}` : `v${viewIndex}_${index}`;
    chain.forEach((node, index) => {
      lines.push(`  ${id(index)}["${label(applyTable(LINES, node, undefined))}"]`);
      if (index > 0) lines.push(`  ${id(index - 1)} --> ${id(index)}`);
    });
    lines.push(`  ${id(chain.length - 1)} --> view_${view.name}[("${view.name}")]`);
  }
  return [...new Set(lines)].join('\n');
}

/** A text that Mermaid shows as it is: entities for what it would read, no line break. */
function label(text: string): string {
  return text
    .replaceAll('#', '#35;')
    .replaceAll('"', '#quot;')
    .replaceAll('<', '#lt;')
    .replaceAll(/\s+/g, ' ');
}
